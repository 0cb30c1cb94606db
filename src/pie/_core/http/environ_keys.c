/* The keys and values that environs share. Those of common fields lie in an array, those of others in a
 * table of fixed size, since fields have whatever names a client likes. */
#include "http/environ_keys.h"

#include "http/names.h"

#define REMEMBERED 256
#define MOST_NAME 48

EnvironKeys environ_keys;

static PyObject *common[FIELD_COUNT];

static struct {
    PyObject *key;
    uint8_t size;
    uint8_t name[MOST_NAME]; /* as it was when it was remembered, in upper case */
} remembered[REMEMBERED];

static inline uint8_t upper(uint8_t octet) {
    return octet >= 'a' && octet <= 'z' ? octet - 0x20 : octet;
}

/* "HTTP_" and the name. */
static PyObject *key_new(const uint8_t *name, size_t size) {
    PyObject *key = PyUnicode_New((Py_ssize_t)size + 5, 127);
    if (key == NULL) {
        return NULL;
    }
    Py_UCS1 *text = PyUnicode_1BYTE_DATA(key);
    memcpy(text, "HTTP_", 5);
    for (size_t i = 0; i < size; i++) {
        text[5 + i] = name[i] == '-' ? '_' : upper(name[i]);
    }
    return key;
}

static bool is_name(const uint8_t *name, const uint8_t *upper_name, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (upper(name[i]) != upper_name[i]) {
            return false;
        }
    }
    return true;
}

static PyObject *other_key(const uint8_t *name, size_t size) {
    if (size > MOST_NAME) {
        return key_new(name, size);
    }
    uint32_t hash = (uint32_t)size;
    for (size_t i = 0; i < size; i++) {
        hash = hash * 31 + upper(name[i]);
    }
    hash = (hash ^ hash >> 8 ^ hash >> 16) % REMEMBERED;
    if (remembered[hash].key != NULL && remembered[hash].size == size &&
        is_name(name, remembered[hash].name, size)) {
        return Py_NewRef(remembered[hash].key);
    }
    PyObject *key = key_new(name, size);
    if (key == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < size; i++) {
        remembered[hash].name[i] = upper(name[i]);
    }
    remembered[hash].size = (uint8_t)size;
    Py_XSETREF(remembered[hash].key, Py_NewRef(key));
    return key;
}

PyObject *environ_key(const uint8_t *data, const HeadField *field) {
    return LIKELY(field->known != FIELD_OTHER) ? Py_NewRef(common[field->known])
                                               : other_key(span_at(data, field->name), field->name.size);
}

static int common_init(void) {
    for (uint8_t number = 1; number < FIELD_COUNT; number++) {
        const char *name = names_text(number);
        common[number] = number == FIELD_CONTENT_TYPE ? PyUnicode_FromString("CONTENT_TYPE")
                         : number == FIELD_CONTENT_LENGTH
                             ? Py_NewRef(environ_keys.content_length)
                             : key_new((const uint8_t *)name, strlen(name));
        if (common[number] == NULL) {
            return -1;
        }
        PyUnicode_InternInPlace(&common[number]);
    }
    return 0;
}

int environ_keys_init(void) {
    EnvironKeys *keys = &environ_keys;
    if (keys->received != NULL) {
        return 0;
    }
    const struct {
        PyObject **into;
        const char *text;
    } all[] = {
        {&keys->request_method, "REQUEST_METHOD"},
        {&keys->script_name, "SCRIPT_NAME"},
        {&keys->path_info, "PATH_INFO"},
        {&keys->query_string, "QUERY_STRING"},
        {&keys->raw_uri, "RAW_URI"},
        {&keys->request_uri, "REQUEST_URI"},
        {&keys->server_protocol, "SERVER_PROTOCOL"},
        {&keys->server_name, "SERVER_NAME"},
        {&keys->server_port, "SERVER_PORT"},
        {&keys->remote_addr, "REMOTE_ADDR"},
        {&keys->remote_port, "REMOTE_PORT"},
        {&keys->http_host, "HTTP_HOST"},
        {&keys->content_length, "CONTENT_LENGTH"},
        {&keys->url_scheme, "wsgi.url_scheme"},
        {&keys->input, "wsgi.input"},
        {&keys->empty, ""},
        {&keys->slash, "/"},
        {&keys->https, "https"},
        {&keys->http, "http"},
        {&keys->port_80, "80"},
        {&keys->port_443, "443"},
        {&keys->localhost, "localhost"},
        {&keys->verbs[VERB_GET], "GET"},
        {&keys->verbs[VERB_HEAD], "HEAD"},
        {&keys->verbs[VERB_POST], "POST"},
        {&keys->verbs[VERB_PUT], "PUT"},
        {&keys->verbs[VERB_PATCH], "PATCH"},
        {&keys->verbs[VERB_DELETE], "DELETE"},
        {&keys->verbs[VERB_OPTIONS], "OPTIONS"},
        {&keys->versions[0], "HTTP/1.0"},
        {&keys->versions[1], "HTTP/1.1"},
        {&keys->received, "pie.received"}, /* RECEIVED_KEY of pie.web.wsgi */
        {&keys->proxy, "pie.proxy"},       /* PROXY_KEY of pie.web.headers */
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if ((*all[i].into = PyUnicode_InternFromString(all[i].text)) == NULL) {
            return -1;
        }
    }
    return common_init();
}
