#include "core.h"

int codec_init(PyObject *module) {
    return 0;
}
