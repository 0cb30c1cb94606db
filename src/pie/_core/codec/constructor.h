/* Instances of generated classes, made and freed without running Python. */
#ifndef PIE_CONSTRUCTOR_H
#define PIE_CONSTRUCTOR_H

#include "codec/program.h"

/* Finds out whether instances can be made without running Python, and arranges for it. */
int constructor_install(Program *program);

/* Finds it out again, after the class has changed. */
void constructor_look_again(Program *program);

/* Makes sure that `slotted` and `plain` are true of the class as it is now. */
static inline void constructor_check(Program *program) {
    if (UNLIKELY(program->version == 0 || program->version != program->cls->tp_version_tag)) {
        constructor_look_again(program);
    }
}

/* An instance with these values in the order of the fields; NULL in them = was not sent. Takes over
 * the references, on failure too. */
PyObject *constructor_make(Program *program, PyObject **values);

#endif
