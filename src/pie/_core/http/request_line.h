/* The first line of a request: method, target, version. No GIL. */
#ifndef PIE_REQUEST_LINE_H
#define PIE_REQUEST_LINE_H

#include "http/request_head.h"

/* Reads the line at `at` into the head; offsets count from `data`. Where the line after it begins, or
 * NULL with the problem, which counts only if the line is whole: that is for the caller to see. */
const uint8_t *request_line_read(const uint8_t *data, const uint8_t *at, const uint8_t *end,
                                 RequestHead *head, HttpProblem *problem);

#endif
