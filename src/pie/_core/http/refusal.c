/* Replies of the server itself, which no application sees. */
#include "http/refusal.h"

#include <stdio.h>

static const char *phrase(int status) {
    switch (status) {
    case 400: return "Bad Request";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 417: return "Expectation Failed";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Error";
    }
}

static void write_error(Buffer *out, int status, const char *text, bool keep_alive, bool bodiless) {
    char body[512], head[512];
    int size = snprintf(body, sizeof body, "{\"code\": %d, \"message\": \"%s\", \"logid\": \"\"}",
                        status, text);
    int lead = snprintf(head, sizeof head,
                        "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n",
                        status, phrase(status), size, keep_alive ? "" : "Connection: close\r\n");
    size_t before = out->size;
    if (buffer_add(out, head, (size_t)lead) < 0 ||
        (!bodiless && buffer_add(out, body, (size_t)size) < 0)) {
        out->size = before;
    }
}

void refusal_write(Buffer *out, const HttpProblem *problem) {
    write_error(out, problem->status, problem->text, false, false);
}

void failure_write(Buffer *out, bool keep_alive, bool bodiless) {
    write_error(out, 500, "internal error", keep_alive, bodiless);
}
