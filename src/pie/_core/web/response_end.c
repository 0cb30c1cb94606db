/* The end of a response and of its call. Twin: end and close of pie/web/response.py; what is unusual is
 * done by pie/web/unusual.py for both. */
#include "web/response_end.h"

#include "base/errors.h"
#include "call/outcome.h"
#include "web/hooks.h"
#include "web/in_flight.h"

/* --- end --- */

/* Calls a hook with the response; -1 with an exception set. */
static int tell(PyObject *hook, Response *response) {
    PyObject *done = PyObject_CallOneArg(hook, (PyObject *)response);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* Whether the request was answered, and nothing has to be looked at to say so. */
static bool went_well(const Response *response) {
    return response->error == NULL && response->call->status < 400 &&
           PyDict_GetItemWithError(response->environ, web_names.error) == NULL && !PyErr_Occurred();
}

/* The exception that is recorded: a new reference, or NULL; -1 with an exception set. */
static int outcome_of(Response *response, PyObject **error) {
    *error = NULL;
    if (LIKELY(went_well(response))) {
        return 0;
    }
    PyErr_Clear(); /* A key that cannot be compared is not ours. */
    *error = PyObject_CallOneArg(web_hooks.outcome, (PyObject *)response);
    if (*error == Py_None) {
        Py_CLEAR(*error);
        return 0;
    }
    return *error == NULL ? -1 : 0;
}

/* What leaving the gates raised: the call's failure is recorded, and the client has its answer. */
static int look_at(Response *response, PyObject *raised, const PyObject *error) {
    int done = 0;
    if (raised != error && !PyObject_TypeCheck(raised, web_hooks.failure)) {
        PyObject *told = PyObject_CallFunctionObjArgs(web_hooks.gate_broke, (PyObject *)response,
                                                      raised, NULL);
        Py_XDECREF(told);
        done = told == NULL ? -1 : 0;
    }
    Py_DECREF(raised);
    return done;
}

int response_end(Response *response) {
    if (response->done) {
        return 0;
    }
    response->done = true;
    in_flight_remove(response);
    if (UNLIKELY(response->input != NULL) && tell(web_hooks.end_input, response) < 0) {
        return -1;
    }
    PyObject *error;
    if (outcome_of(response, &error) < 0) {
        return -1;
    }
    if (UNLIKELY(error != NULL)) {
        error_raise(error);
    }
    Step step = flow_advance(&response->flow, NULL);
    int done = step == STEP_ERROR ? look_at(response, error_take(), error) : 0;
    Py_XDECREF(error);
    return done;
}

/* --- failures --- */

PyObject *response_failed(Response *response, PyObject *error) {
    Py_CLEAR(response->chunks);
    PyObject *body =
        PyObject_CallFunctionObjArgs(web_hooks.failed, (PyObject *)response, error, NULL);
    Py_DECREF(error);
    if (body != NULL && !PyBytes_Check(body)) {
        PyErr_SetString(PyExc_TypeError, "the answer to a failure must be bytes");
        Py_CLEAR(body);
    }
    return body;
}

/* --- close --- */

/* A new reference, or NULL: there is nothing to call, or an exception is set. */
static PyObject *close_of(PyObject *body) {
    if (body == NULL || PyList_CheckExact(body) || PyTuple_CheckExact(body)) {
        return NULL;
    }
    PyObject *close = PyObject_GetAttr(body, web_names.close);
    if (close == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
    } else if (close == Py_None) {
        Py_CLEAR(close);
    }
    return close;
}

/* Ends the call, whose body may not have been sent whole. */
static int end_closed(Response *response) {
    const CallObject *call = response->call;
    long status = call->status;
    if (response->error == NULL && status < 500) {
        bool bodiless = status == 204 || status == 304 || (status >= 100 && status < 200) ||
                        PyUnicode_CompareWithASCIIString(call->verb, "HEAD") == 0;
        if (!bodiless && tell(web_hooks.client_left, response) < 0) {
            return -1;
        }
    }
    return response_end(response);
}

/* Closes the application's body; -1 with an exception set for the server. */
static int close_body(Response *response) {
    PyObject *body = Py_XNewRef(response->body);
    PyObject *close = close_of(body);
    PyObject *closed = close == NULL ? NULL : PyObject_CallNoArgs(close);
    Py_XDECREF(close);
    Py_XDECREF(body);
    Py_XDECREF(closed);
    if (LIKELY(!PyErr_Occurred())) {
        return 0;
    }
    PyObject *error = error_take();
    PyObject *raised =
        PyObject_CallFunctionObjArgs(web_hooks.raise_on, (PyObject *)response, error, NULL);
    Py_DECREF(error);
    Py_XDECREF(raised);
    return raised == NULL ? -1 : 0;
}

int response_close(Response *response) {
    int closed = close_body(response);
    if (LIKELY(response->done)) {
        return closed;
    }
    PyObject *error = error_take();
    int ended = end_closed(response);
    if (error != NULL && ended == 0) {
        error_give(error);
    } else {
        Py_XDECREF(error);
    }
    return ended < 0 ? -1 : closed;
}
