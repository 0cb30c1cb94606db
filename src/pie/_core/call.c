#include "core.h"

int call_init(PyObject *module) {
    return 0;
}
