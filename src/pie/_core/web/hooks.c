/* What C uses of Python, read by name. */
#include "web/hooks.h"

#include "base/named.h"

WebHooks web_hooks;
WebNames web_names;

static const NamedField hook_fields[] = {
    NAMED(WebHooks, plan, CALLABLE),
    NAMED(WebHooks, path_of, CALLABLE),
    NAMED(WebHooks, take_chain, CALLABLE),
    NAMED(WebHooks, take_body, CALLABLE),
    NAMED(WebHooks, refusing, CALLABLE),
    NAMED(WebHooks, read_status, CALLABLE),
    NAMED(WebHooks, read_headers, CALLABLE),
    NAMED(WebHooks, restart, CALLABLE),
    NAMED(WebHooks, write_nowhere, CALLABLE),
    NAMED(WebHooks, no_iterable, CALLABLE),
    NAMED(WebHooks, no_chunk, CALLABLE),
    NAMED(WebHooks, close_body, CALLABLE),
    NAMED(WebHooks, end_child, CALLABLE),
    NAMED(WebHooks, hand_on, CALLABLE),
    NAMED(WebHooks, failed, CALLABLE),
    NAMED(WebHooks, raise_on, CALLABLE),
    NAMED(WebHooks, switches, CALLABLE),
    NAMED(WebHooks, client_left, CALLABLE),
    NAMED(WebHooks, end_input, CALLABLE),
    NAMED(WebHooks, outcome, CALLABLE),
    NAMED(WebHooks, gate_broke, CALLABLE),
    NAMED(WebHooks, failure, CLASS),
    NAMED(WebHooks, refusal, CLASS),
    NAMED(WebHooks, answer, CLASS),
    NAMED(WebHooks, sent_file, CLASS),
    NAMED_END,
};
static NamedStruct hooks_struct = {"pie.web.native_hooks.WebHooks", hook_fields};

PyObject *web_hooks_setup(PyObject *module, PyObject *hooks) {
    int done = named_renew(&hooks_struct, hooks, &web_hooks, sizeof web_hooks);
    return done < 0 ? NULL : Py_NewRef(Py_None);
}

int web_hooks_init(void) {
    static const struct {
        PyObject **name;
        const char *text;
    } names[] = {
        {&web_names.request_method, "REQUEST_METHOD"},
        {&web_names.remote_addr, "REMOTE_ADDR"},
        {&web_names.remote_port, "REMOTE_PORT"},
        {&web_names.script_name, "SCRIPT_NAME"},
        {&web_names.path_info, "PATH_INFO"},
        {&web_names.query_string, "QUERY_STRING"},
        {&web_names.content_length, "CONTENT_LENGTH"},
        {&web_names.transfer_encoding, "HTTP_TRANSFER_ENCODING"},
        {&web_names.received, "pie.received"},
        {&web_names.logid, "HTTP_X_TT_LOGID"},
        {&web_names.traceparent, "HTTP_TRACEPARENT"},
        {&web_names.tracestate, "HTTP_TRACESTATE"},
        {&web_names.addressee, "HTTP_PIE_TO"},
        {&web_names.overloaded, "pie.overloaded"},
        {&web_names.file_wrapper, "wsgi.file_wrapper"},
        {&web_names.error, "pie.error"},
        {&web_names.close, "close"},
        {&web_names.send, "send"},
        {&web_names.logid_header, "X-Tt-Logid"},
        {&web_names.unix_peer, "unix"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        *names[i].name = PyUnicode_InternFromString(names[i].text);
        if (*names[i].name == NULL) {
            return -1;
        }
    }
    return named_add(&hooks_struct);
}
