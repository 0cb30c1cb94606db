/* The keys and values that environs share. They are made once. Needs the GIL. */
#ifndef PIE_ENVIRON_KEYS_H
#define PIE_ENVIRON_KEYS_H

#include "base/core.h"
#include "http/request_head.h"

typedef struct {
    PyObject *request_method, *script_name, *path_info, *query_string, *raw_uri, *request_uri;
    PyObject *server_protocol, *server_name, *server_port, *remote_addr, *remote_port;
    PyObject *http_host, *content_length, *url_scheme, *input, *received, *proxy;
    /* Values: */
    PyObject *empty, *slash, *https, *http, *port_80, *port_443, *localhost;
    PyObject *verbs[VERB_COUNT], *versions[2]; /* of VERB_OTHER: NULL */
} EnvironKeys;

extern EnvironKeys environ_keys;

int environ_keys_init(void);

/* The key of a field: a new reference, or NULL with an exception set. */
PyObject *environ_key(const uint8_t *data, const HeadField *field);

#endif
