/* Struct classes compiled to programs. Twin: the plans of pie/thrift/codec/struct_{read,write}.py. */
#ifndef PIE_COMPILE_H
#define PIE_COMPILE_H

#include "codec/program.h"

/* The program of a struct class, compiled at its first use and kept on it; borrowed. NULL with an
 * exception set if it is no struct class. */
Program *program_of(PyObject *cls);

/* The program of a struct type; borrowed. NULL with an exception set. */
Program *type_program_first(Type *type);

static inline Program *type_program(Type *type) {
    return LIKELY(type->program != NULL) ? type->program : type_program_first(type);
}

int compile_init(void);

#endif
