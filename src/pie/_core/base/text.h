/* Text and numbers as bytes of rows and lines. Nothing here runs Python code.
 *
 * Every function returns 0, or -1 when there is no memory (no exception is set). Code points
 * that are no valid Unicode (lone surrogates) come out escaped, as Python's "backslashreplace"
 * does.
 */
#ifndef PIE_TEXT_H
#define PIE_TEXT_H

#include "base/buffer.h"

/* As UTF-8. */
int text_add(Buffer *out, PyObject *text);
/* As UTF-8 on one line: backslash, newline and carriage return escaped
 * (pie.observe.log.line.escape). */
int text_add_escaped(Buffer *out, PyObject *text);
/* As a JSON string with its quotes, of at most `limit` code points; a lone surrogate, which comes out
 * escaped, counts as six. */
int text_add_json(Buffer *out, PyObject *text, Py_ssize_t limit);
int number_add(Buffer *out, int64_t number);

#define TEXT_ADD_LITERAL(out, literal) buffer_add(out, "" literal, sizeof(literal) - 1)

#endif
