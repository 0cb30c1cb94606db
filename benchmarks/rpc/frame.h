/* Where the message of a frame is: framed and TTHeader, both behind a length of 4 bytes. */
#ifndef PIE_BENCH_FRAME_H
#define PIE_BENCH_FRAME_H

#include <stdint.h>
#include <string.h>

enum { CALL = 1, REPLY = 2, LENGTH = 4, MAX_FRAME = 64 << 20 };

static inline uint32_t read_u32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void write_u32(unsigned char *at, uint32_t value)
{
    at[0] = value >> 24, at[1] = value >> 16, at[2] = value >> 8, at[3] = value;
}

/* Bytes of the frame that begins here, its length included; 0 while too few of them are here to
   tell, -1 for a length that no message of a benchmark has. */
static inline long frame_size(const unsigned char *data, size_t have)
{
    if (have < LENGTH)
        return 0;
    uint32_t size = read_u32(data);
    return size > MAX_FRAME ? -1 : (long)size + LENGTH;
}

static inline int is_ttheader(const unsigned char *frame, size_t size)
{
    return size >= 14 && frame[4] == 0x10 && frame[5] == 0x00;
}

struct message {
    const unsigned char *data; /* from its version on; NULL when the frame holds no message */
    size_t size;
    int type;
    const unsigned char *name;
    uint32_t name_size;
    uint32_t seqid;
};

/* The strict binary message of a whole frame. */
static inline struct message message_of(const unsigned char *frame, size_t size)
{
    struct message found = {0};
    size_t at = LENGTH;
    if (is_ttheader(frame, size)) {
        at = 14 + 4 * ((size_t)frame[12] << 8 | frame[13]);
        if (at + LENGTH <= size && frame[at] != 0x80)
            at += LENGTH; /* The message has a length of its own. */
    }
    if (at + 12 > size || frame[at] != 0x80 || frame[at + 1] != 0x01)
        return found;
    uint32_t name_size = read_u32(frame + at + 4);
    if (name_size > size - at - 12)
        return found;
    found.data = frame + at;
    found.size = size - at;
    found.type = frame[at + 3];
    found.name = frame + at + 8;
    found.name_size = name_size;
    found.seqid = read_u32(frame + at + 8 + name_size);
    return found;
}

#endif
