#include "core.h"

int client_init(PyObject *module) {
    return 0;
}
