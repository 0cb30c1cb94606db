/* The responses that are on their way, for whoever asks what this process is busy with. */
#include "web/in_flight.h"

#include "base/fork.h"

static Response *first;

void in_flight_add(Response *response) {
    response->thread = PyThread_get_thread_ident();
    response->next = first;
    response->link = &first;
    if (first != NULL) {
        first->link = &response->next;
    }
    first = response;
}

void in_flight_remove(Response *response) {
    if (response->link == NULL) {
        return;
    }
    *response->link = response->next;
    if (response->next != NULL) {
        response->next->link = response->link;
    }
    response->link = NULL;
}

/* In a forked child: only the thread that forked is there. */
static void keep_own(void) {
    unsigned long own = PyThread_get_thread_ident();
    for (Response *each = first, *next; each != NULL; each = next) {
        next = each->next;
        if (each->thread != own) {
            in_flight_remove(each);
        }
    }
}

void in_flight_init(void) {
    fork_handler(keep_own);
}

/* The garbage collection that an allocation may begin can end a response: so what is in flight is
 * counted first, and taken without making anything. */
PyObject *in_flight_calls(PyObject *module, PyObject *nothing) {
    Py_ssize_t count = 0, at = 0;
    for (const Response *each = first; each != NULL; each = each->next) {
        count++;
    }
    struct {
        PyObject *call;
        unsigned long thread;
    } *found = PyMem_Calloc((size_t)count + 1, sizeof *found);
    if (found == NULL) {
        return PyErr_NoMemory();
    }
    for (const Response *each = first; each != NULL && at < count; each = each->next, at++) {
        found[at].call = Py_NewRef((PyObject *)each->call);
        found[at].thread = each->thread;
    }
    PyObject *list = PyList_New(0);
    for (Py_ssize_t i = 0; i < at; i++) {
        PyObject *pair = list == NULL ? NULL : Py_BuildValue("(Ok)", found[i].call, found[i].thread);
        if (pair == NULL || PyList_Append(list, pair) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(pair);
        Py_DECREF(found[i].call);
    }
    PyMem_Free(found);
    return list;
}
