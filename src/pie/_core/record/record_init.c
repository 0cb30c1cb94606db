/* The room of records in the module. */
#include "record/record_init.h"

#include "record/aggregate.h"
#include "record/aggregate_init.h"
#include "record/call_log.h"
#include "base/checksum.h"
#include "record/finished.h"
#include "record/record_gate.h"
#include "record/row.h"
#include "record/source.h"

int record_init(PyObject *module) {
    checksum_init();
    histogram_init();
    if (aggregate_setup() < 0 || row_setup() < 0 || source_init() < 0 || finished_init() < 0 ||
        call_log_init(module) < 0) {
        return -1;
    }
    return record_gate_init();
}
