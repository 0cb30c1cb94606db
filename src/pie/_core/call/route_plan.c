/* Plans of route: where calls of one kind go. */
#include "call/route_plan.h"

#include "base/checksum.h"
#include "base/readings.h"

/* Ways between which calls are shared, as Python holds them. */
typedef struct {
    int64_t salt;
    PyObject *bounds, *ways;
    double begins, seconds;
} Fork;

/* A fork where `count` is above 0, else a leaf. */
struct RouteNode {
    Py_ssize_t count; /* of ways */
    Leaf leaf;
    Fork fork;      /* without its references */
    double *bounds; /* one fewer than ways */
    RouteNode *ways;
};

static const NamedField leaf_fields[] = {NAMED(Leaf, kept, TUPLE), NAMED(Leaf, cluster, TEXT),
                                         NAMED(Leaf, notes, TUPLE), NAMED_END};
static const NamedField fork_fields[] = {
    NAMED(Fork, salt, SIZE),     NAMED(Fork, bounds, TUPLE),   NAMED(Fork, ways, TUPLE),
    NAMED(Fork, begins, NUMBER), NAMED(Fork, seconds, NUMBER), NAMED_END,
};
static NamedStruct leaf_struct = {"pie.govern.route.plan.Leaf", leaf_fields};
static NamedStruct fork_struct = {"pie.govern.route.plan.Fork", fork_fields};

/* --- a draw --- */

/* pie.govern.route.sticky.number_of */
static int number_of(PyObject *text, uint32_t *number) {
    Py_ssize_t size;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &size);
    if (LIKELY(utf8 != NULL)) {
        *number = crc32_of((const uint8_t *)utf8, (size_t)size);
        return 0;
    }
    PyErr_Clear();
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
    if (bytes == NULL) {
        return -1;
    }
    *number = crc32_of((uint8_t *)PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    Py_DECREF(bytes);
    return 0;
}

/* The finaliser of SplitMix64. */
static double draw(uint32_t number, int64_t salt) {
    uint64_t mixed = ((uint64_t)salt << 32 | number) + 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    return (double)((mixed ^ mixed >> 31) >> 11) * 0x1p-53;
}

/* What the call draws by: borrowed; NULL with an exception set. */
static PyObject *key_of(const RoutePlan *plan, const CallObject *call) {
    if (plan->by_call) {
        return call->span_id;
    }
    if (PyUnicode_GET_LENGTH(plan->user_key) > 0 && call->persist != NULL) {
        PyObject *user = PyDict_GetItemWithError(call->persist, plan->user_key);
        if (user == NULL && PyErr_Occurred()) {
            return NULL;
        }
        if (user != NULL && PyUnicode_Check(user) && PyUnicode_GET_LENGTH(user) > 0) {
            return user;
        }
    }
    return call->logid;
}

/* The first bound, which moves while a shift is under way. */
static double first_bound(const RouteNode *node) {
    if (LIKELY(node->fork.seconds == 0)) {
        return node->bounds[0];
    }
    double passed = (reading_wall() - node->fork.begins) / node->fork.seconds;
    return node->bounds[0] * (passed < 0 ? 0 : passed > 1 ? 1 : passed);
}

const Leaf *route_plan_walk(const RoutePlan *plan, const CallObject *call) {
    const RouteNode *node = plan->root;
    if (LIKELY(node->count == 0)) {
        return &node->leaf;
    }
    PyObject *key = key_of(plan, call);
    uint32_t number;
    if (key == NULL || number_of(key, &number) < 0) {
        return NULL;
    }
    while (node->count > 0) {
        double drawn = draw(number, node->fork.salt);
        Py_ssize_t way = drawn < first_bound(node) ? 0 : 1;
        while (way > 0 && way < node->count - 1 && drawn >= node->bounds[way]) {
            way++;
        }
        node = &node->ways[way];
    }
    return &node->leaf;
}

/* --- a plan made of Python's --- */

static void node_clear(RouteNode *node) {
    for (Py_ssize_t i = 0; i < node->count; i++) {
        node_clear(&node->ways[i]);
    }
    named_clear(&leaf_struct, &node->leaf);
    PyMem_Free(node->ways);
    PyMem_Free(node->bounds);
}

static int node_read(RouteNode *node, PyObject *from);

static int fork_read(RouteNode *node, const Fork *fork) {
    Py_ssize_t count = PyTuple_GET_SIZE(fork->ways);
    if (count < 2 || PyTuple_GET_SIZE(fork->bounds) != count - 1) {
        PyErr_SetString(PyExc_ValueError, "a fork needs two ways, and a bound between each two");
        return -1;
    }
    node->fork = (Fork){.salt = fork->salt, .begins = fork->begins, .seconds = fork->seconds};
    node->bounds = PyMem_Calloc((size_t)count, sizeof *node->bounds);
    node->ways = PyMem_Calloc((size_t)count, sizeof *node->ways);
    if (node->bounds == NULL || node->ways == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count - 1; i++) {
        node->bounds[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(fork->bounds, i));
    }
    node->count = count;
    for (Py_ssize_t i = 0; !PyErr_Occurred() && i < count; i++) {
        node_read(&node->ways[i], PyTuple_GET_ITEM(fork->ways, i));
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* Reads a Leaf or a Fork; what was read before an error is in `node` all the same. -1 with an exception. */
static int node_read(RouteNode *node, PyObject *from) {
    if (PyObject_HasAttrString(from, "kept")) {
        return named_read(&leaf_struct, from, &node->leaf);
    }
    Fork fork = {0};
    if (named_read(&fork_struct, from, &fork) < 0) {
        return -1;
    }
    int done = Py_EnterRecursiveCall(" in a plan of route");
    if (done == 0) {
        done = fork_read(node, &fork);
        Py_LeaveRecursiveCall();
    }
    named_clear(&fork_struct, &fork);
    return done;
}

static PyObject *plan_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"candidates", "root", "user_key", "by_call", "tally", NULL};
    PyObject *candidates, *root, *user_key, *tally;
    int by_call;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOUpO:RoutePlan", keywords, &candidates, &root,
                                     &user_key, &by_call, &tally)) {
        return NULL;
    }
    if (tally != Py_None && !PyObject_TypeCheck(tally, &Counts_Type)) {
        return PyErr_Format(PyExc_TypeError, "a tally must be Counts, not %R", tally);
    }
    RoutePlan *self = (RoutePlan *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->candidates = Py_NewRef(candidates);
    self->user_key = Py_NewRef(user_key);
    self->by_call = by_call;
    self->tally = tally == Py_None ? NULL : (Counts *)Py_NewRef(tally);
    self->root = PyMem_Calloc(1, sizeof *self->root);
    if (self->root == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    if (node_read(self->root, root) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void plan_dealloc(RoutePlan *self) {
    if (self->root != NULL) {
        node_clear(self->root);
        PyMem_Free(self->root);
    }
    Py_XDECREF(self->candidates);
    Py_XDECREF(self->user_key);
    Py_XDECREF(self->tally);
    Py_TYPE(self)->tp_free(self);
}

PyTypeObject RoutePlan_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pie._core._native.RoutePlan",
    .tp_doc = "The way of calls of one kind: the endpoints, its root, what calls draw by, and the tally of the "
              "rule that made it or None.",
    .tp_basicsize = sizeof(RoutePlan),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = plan_new,
    .tp_dealloc = (destructor)plan_dealloc,
};

int route_plan_init(PyObject *module) {
    checksum_init();
    if (named_add(&leaf_struct) < 0 || named_add(&fork_struct) < 0) {
        return -1;
    }
    return PyModule_AddType(module, &RoutePlan_Type);
}
