/* `_native.Speaker`: the class of what a loop can be given to serve, one subclass for each protocol. */
#ifndef PIE_SPEAKER_H
#define PIE_SPEAKER_H

#include "loop/shared.h"

/* The beginning of each such object. */
typedef struct {
    PyObject_HEAD
    Speaker speaker;
} SpeakerObject;

extern PyTypeObject *speaker_type;

int speaker_init(PyObject *module);

#endif
