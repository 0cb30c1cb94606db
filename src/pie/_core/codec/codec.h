/* Structs to bytes and back, in the binary and the compact protocol.
 *
 * A Program is a struct class compiled: its fields by id, the offsets of its slots, and the
 * programs of the structs in it. The twin is pie/thrift/codec/python.py: the same values, the same
 * bytes, the same errors with the same paths.
 */
#ifndef PIE_CODEC_H
#define PIE_CODEC_H

#include "base/buffer.h"

typedef enum { PROTOCOL_BINARY = 0, PROTOCOL_COMPACT = 1 } Protocol;

/* In the compact protocol distances of ids up to it, and sizes below it, share a byte with a type
 * code. */
#define NIBBLE 15
#define DEFAULT_MAX_DEPTH 64
/* Whatever depth is allowed: levels are calls of C, and their stack is not Python's. */
#define DEEPEST 1000
#define DEFAULT_DECODED_LIMIT ((Py_ssize_t)64 << 20)

typedef struct Program Program;

/* Bytes being decoded: what is left of them, and of the memory their values may take. */
typedef struct {
    const uint8_t *begin, *at, *end;
    Py_ssize_t memory, memory_limit;
} Source;

/* The program of a struct class, compiled at its first use and kept on it; borrowed. NULL with an
 * exception set if it is no struct class. */
Program *program_of(PyObject *cls);

/* The number of fields, and the order number of the one with this id; -1 if there is none. */
int program_size(const Program *program);
int program_index(const Program *program, int id);
/* Offset of a field's slot in an instance of the class itself, by order number; 0 if the fields of
 * the class are not all in slots. */
Py_ssize_t program_slot(const Program *program, int index);
/* The class that the field holds, where it is a struct; else NULL. Borrowed. */
PyObject *program_struct_class(Program *program, int index);

/* Appends a struct. -1 with CodecError set (path below the struct's class: add its name). */
int struct_encode(Buffer *out, Protocol protocol, Program *program, PyObject *value, int depth);

/* Appends a struct given as the values of its fields in order; NULL or None = not set. */
int fields_encode(Buffer *out, Protocol protocol, Program *program, PyObject *const *values,
                  int depth);

/* Reads a struct; NULL with CodecError set. */
PyObject *struct_decode(Source *source, Protocol protocol, Program *program, int depth);

/* Reads a struct's fields, in order, into `values` (program_size of them): new references, with
 * defaults for what was not sent (None where there is none). -1 with CodecError set and nothing to
 * release. */
int fields_decode(Source *source, Protocol protocol, Program *program, PyObject **values,
                  int depth);

/* Puts a place (".name", "[3]", a class's name) before the path of the CodecError that is set. */
void codec_error_under(const char *format, ...);

/* Adds the codec's types and functions to the module. */
int codec_init(PyObject *module);

#endif
