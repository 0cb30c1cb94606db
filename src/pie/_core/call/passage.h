/* One call's way through a list of gates. Its functions are in gates.h. */
#ifndef PIE_PASSAGE_H
#define PIE_PASSAGE_H

#include "call/call.h"

typedef struct {
    PyObject *gates; /* as the list stood when the call began; owned */
    CallObject *call; /* owned */
    int entered;
} Passage;

#endif
