/* What the fields of a head say of the message: where its body ends, its host, the connection. No GIL. */
#ifndef PIE_FRAMING_H
#define PIE_FRAMING_H

#include "http/request_head.h"

/* Fills the head from its fields. False if they leave a doubt, which `problem` names. */
bool framing_read(const uint8_t *data, RequestHead *head, HttpProblem *problem);

#endif
