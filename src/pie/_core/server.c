#include "core.h"

int server_init(PyObject *module) {
    return 0;
}
