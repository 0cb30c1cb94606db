/* Several protocols on one port: the first bytes of a connection tell which it speaks. */
#ifndef PIE_SNIFF_H
#define PIE_SNIFF_H

#include "loop/shared.h"

/* Sets what connections of the loop speak at first: its only speaker, or nothing decided yet. */
void sniff_open(Loop *loop);
/* What a new connection speaks. */
static inline const Speaker *sniff_first(const Loop *loop) {
    return loop->speaker_count == 1 ? &loop->speakers[0] : &loop->undecided;
}

#endif
