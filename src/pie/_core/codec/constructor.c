/* Making and freeing instances without running Python, where the result is the same.
 *
 * A class is `plain` if its instances hold the fields' slots and nothing else, and its __init__ is
 * the one that pie/thrift/generate/structs.py writes: then it only stores its arguments. Its
 * code is compared with what the text of such an __init__ compiles to. The finding holds until the
 * class's version changes.
 */
#include "codec/constructor.h"

#include "base/late.h"

#define MOST_ARGUMENTS 256

static PyObject *init_name; /* "__init__" */

static inline PyObject **slot_at(PyObject *self, Py_ssize_t offset) {
    return (PyObject **)((char *)self + offset);
}

/* --- Is the constructor a generated one? --- */

static PyObject *maker_name(const Program *program, const Field *field) {
    return PyUnicode_FromFormat("_%s_%U", program->cls->tp_name, field->attr);
}

/* The statement by which a generated constructor sets a field. */
static PyObject *statement(const Program *program, Field *field, PyObject *names) {
    PyObject *maker = maker_name(program, field), *attr = field->attr, *text = NULL;
    int fresh = maker != NULL ? PySequence_Contains(names, maker) : -1;
    if (fresh == 0) {
        text = PyUnicode_FromFormat("    self.%U = %U\n", attr, attr);
    } else if (fresh > 0) {
        field->fresh = true;
        text = PyUnicode_FromFormat("    self.%U = %U() if %U is None else %U\n", attr, maker, attr,
                                    attr);
    }
    Py_XDECREF(maker);
    return text;
}

/* Replaces `*text` by itself and more; takes over the reference to `more`. */
static int append(PyObject **text, PyObject *more) {
    PyObject *whole = more != NULL ? PyUnicode_Concat(*text, more) : NULL;
    Py_XDECREF(more);
    if (whole == NULL) {
        return -1;
    }
    Py_SETREF(*text, whole);
    return 0;
}

static PyObject *generated_text(const Program *program, PyObject *names) {
    PyObject *text = PyUnicode_FromString("def __init__(self");
    for (int i = 0; text != NULL && i < program->size; i++) {
        if (append(&text, PyUnicode_FromFormat(", %U", program->fields[i].attr)) < 0) {
            Py_CLEAR(text);
        }
    }
    if (text != NULL && append(&text, PyUnicode_FromString("):\n")) < 0) {
        Py_CLEAR(text);
    }
    for (int i = 0; text != NULL && i < program->size; i++) {
        if (append(&text, statement(program, &program->fields[i], names)) < 0) {
            Py_CLEAR(text);
        }
    }
    return text;
}

static PyObject *compile_function(PyObject *text) {
    const char *utf8 = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    PyObject *module = utf8 != NULL ? Py_CompileString(utf8, "<pie>", Py_file_input) : NULL;
    PyObject *consts = module != NULL ? PyObject_GetAttrString(module, "co_consts") : NULL;
    PyObject *found = NULL;
    for (Py_ssize_t i = 0; consts != NULL && i < PyTuple_GET_SIZE(consts); i++) {
        if (PyCode_Check(PyTuple_GET_ITEM(consts, i))) {
            found = Py_NewRef(PyTuple_GET_ITEM(consts, i));
        }
    }
    Py_XDECREF(consts);
    Py_XDECREF(module);
    return found;
}

static bool same_code(PyObject *code, PyObject *expected) {
    static const char *const parts[] = {
        "co_code",      "co_consts",          "co_names",    "co_varnames", "co_argcount",
        "co_freevars", "co_posonlyargcount", "co_cellvars", "co_kwonlyargcount",
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(parts); i++) {
        PyObject *one = PyObject_GetAttrString(code, parts[i]);
        PyObject *other = PyObject_GetAttrString(expected, parts[i]);
        int same = one != NULL && other != NULL ? PyObject_RichCompareBool(one, other, Py_EQ) : -1;
        Py_XDECREF(one);
        Py_XDECREF(other);
        if (same <= 0) {
            return false;
        }
    }
    int variable = ((PyCodeObject *)code)->co_flags & (CO_VARARGS | CO_VARKEYWORDS);
    return variable == 0;
}

static bool is_generated(Program *program, PyObject *init) {
    if (!PyFunction_Check(init) || PyFunction_GET_CLOSURE(init) != NULL) {
        return false;
    }
    PyObject *code = PyFunction_GET_CODE(init);
    PyObject *names = PyObject_GetAttrString(code, "co_names");
    PyObject *text = names != NULL ? generated_text(program, names) : NULL;
    PyObject *expected = compile_function(text);
    bool same = expected != NULL && same_code(code, expected);
    Py_XDECREF(expected);
    Py_XDECREF(text);
    Py_XDECREF(names);
    PyErr_Clear(); /* A name that is none in Python is no generated one. */
    return same;
}

static bool holds_only_slots(const Program *program) {
    PyTypeObject *cls = program->cls;
    Py_ssize_t size = (Py_ssize_t)sizeof(PyObject) + program->size * (Py_ssize_t)sizeof(PyObject *);
    return program->slotted && program->size > 0 && program->size <= MOST_ARGUMENTS
           && cls->tp_basicsize == size && cls->tp_itemsize == 0 && cls->tp_dictoffset == 0
           && cls->tp_weaklistoffset == 0 && cls->tp_flags & Py_TPFLAGS_HAVE_GC;
}

static bool made_as_usual(const PyTypeObject *cls) {
    return cls->tp_new == PyBaseObject_Type.tp_new && cls->tp_alloc == PyType_GenericAlloc
           && cls->tp_free == PyObject_GC_Del && cls->tp_setattro == PyObject_GenericSetAttr
           && Py_TYPE(cls)->tp_call == PyType_Type.tp_call
           && !(cls->tp_flags & Py_TPFLAGS_IS_ABSTRACT);
}

/* --- Is it still that one? --- */

void constructor_look_again(Program *program) {
    PyTypeObject *cls = program->cls;
    /* Looking a name up is what gives a class a version. */
    PyObject *init = PyObject_GetAttr((PyObject *)cls, init_name);
    PyErr_Clear();
    bool slotted = cls->tp_getattro == PyObject_GenericGetAttr;
    for (int i = 0; slotted && i < program->size; i++) {
        Py_ssize_t slot = program_slot_of(cls, program->fields[i].attr);
        slotted = slot != 0 && slot == program->fields[i].slot;
    }
    program->slotted = slotted;
    program->plain = slotted && program->init != NULL && init == program->init
                     && made_as_usual(cls);
    program->version = cls->tp_version_tag; /* 0 = it still has none. */
    Py_XDECREF(init);
}

static inline bool is_plain(Program *program) {
    constructor_check(program);
    return LIKELY(program->plain && PyFunction_GET_CODE(program->init) == program->init_code);
}

/* --- Making --- */

static PyObject *call_class(Program *program, PyObject **values) {
    for (int i = 0; i < program->size; i++) {
        if (values[i] == NULL) {
            values[i] = Py_NewRef(program->fields[i].missing);
        }
    }
    PyObject *made = PyObject_Vectorcall((PyObject *)program->cls, values,
                                         (size_t)program->size, NULL);
    for (int i = 0; i < program->size; i++) {
        Py_DECREF(values[i]);
    }
    return made;
}

/* An instance that holds these values, one for every field; takes over the references. */
static PyObject *make_plain(const Program *program, PyObject **values) {
    PyObject *self = (PyObject *)PyObject_GC_New(PyObject, program->cls);
    if (UNLIKELY(self == NULL)) {
        for (int i = 0; i < program->size; i++) {
            Py_DECREF(values[i]);
        }
        return NULL;
    }
    for (int i = 0; i < program->size; i++) {
        *slot_at(self, program->fields[i].slot) = values[i];
    }
    PyObject_GC_Track(self);
    return self;
}

PyObject *constructor_make(Program *program, PyObject **values) {
    if (UNLIKELY(!is_plain(program))) {
        return call_class(program, values);
    }
    for (int i = 0; i < program->size; i++) {
        if (values[i] == NULL) {
            if (program->fields[i].fresh) {
                return call_class(program, values);
            }
            values[i] = Py_NewRef(program->fields[i].missing);
        }
    }
    return make_plain(program, values);
}

/* What calling the class did before: new, then __init__ in Python, with its error messages. */
static PyObject *construct_in_python(PyObject *cls, PyObject *const *arguments, Py_ssize_t given,
                                     PyObject *names) {
    PyObject *positional = PyTuple_New(given);
    PyObject *named = names != NULL ? PyDict_New() : NULL;
    PyObject *made = NULL;
    if (positional == NULL || (names != NULL && named == NULL)) {
        goto done;
    }
    for (Py_ssize_t i = 0; i < given; i++) {
        PyTuple_SET_ITEM(positional, i, Py_NewRef(arguments[i]));
    }
    for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++) {
        if (PyDict_SetItem(named, PyTuple_GET_ITEM(names, i), arguments[given + i]) < 0) {
            goto done;
        }
    }
    made = PyType_Type.tp_call(cls, positional, named);
done:
    Py_XDECREF(positional);
    Py_XDECREF(named);
    return made;
}

/* Puts the named arguments at their fields; false where one is unknown or given twice. */
static bool place_named(const Program *program, PyObject **values, PyObject *const *arguments,
                        PyObject *names) {
    int next = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        int tried = 0;
        while (next >= program->size || program->fields[next].attr != name) {
            next = next + 1 < program->size ? next + 1 : 0;
            if (++tried > program->size) {
                return false;
            }
        }
        if (values[next] != NULL) {
            return false;
        }
        values[next++] = arguments[i];
    }
    return true;
}

/* Puts defaults where nothing was given; false where Python has to make one, or to complain. */
static bool place_defaults(const Program *program, PyObject **values) {
    PyObject *defaults = PyFunction_GET_DEFAULTS(program->init);
    Py_ssize_t known = defaults != NULL ? PyTuple_GET_SIZE(defaults) : 0;
    Py_ssize_t first = program->size - known;
    for (int i = 0; i < program->size; i++) {
        if (values[i] == NULL) {
            if (i < first) {
                return false;
            }
            values[i] = PyTuple_GET_ITEM(defaults, i - first);
        }
        if (program->fields[i].fresh && values[i] == Py_None) {
            return false;
        }
    }
    return true;
}

static PyObject *construct(PyObject *cls, PyObject *const *arguments, size_t flags,
                           PyObject *names) {
    Py_ssize_t given = PyVectorcall_NARGS(flags);
    Program *program = program_kept(cls);
    if (UNLIKELY(program == NULL)) { /* Python has taken it from its class. */
        return construct_in_python(cls, arguments, given, names);
    }
    Py_INCREF(program); /* Collecting garbage may run Python, which could take it from its class. */
    PyObject *values[MOST_ARGUMENTS], *made;
    bool simple = is_plain(program) && given <= program->size;
    if (LIKELY(simple)) {
        for (int i = 0; i < program->size; i++) {
            values[i] = i < given ? arguments[i] : NULL;
        }
        simple = (names == NULL || place_named(program, values, arguments + given, names))
                 && place_defaults(program, values);
    }
    if (LIKELY(simple)) {
        for (int i = 0; i < program->size; i++) {
            Py_INCREF(values[i]);
        }
        made = make_plain(program, values);
    } else {
        made = construct_in_python(cls, arguments, given, names);
    }
    Py_DECREF(program);
    return made;
}

/* --- Freeing --- */

/* Also called for instances of subclasses, whose own deallocator has dealt with what they add. */
static void deallocate(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self), *base = type;
    if (UNLIKELY(type->tp_finalize != NULL) && type->tp_dealloc == deallocate
        && PyObject_CallFinalizerFromDealloc(self) < 0) {
        return; /* It lives again. */
    }
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, deallocate)
    while (base->tp_dealloc != deallocate) {
        base = base->tp_base;
    }
    PyObject **end = slot_at(self, base->tp_basicsize);
    for (PyObject **slot = slot_at(self, sizeof(PyObject)); slot < end; slot++) {
        Py_XDECREF(*slot);
    }
    type->tp_free(self);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

int constructor_install(Program *program) {
    static PyObject *struct_class;
    PyObject *base = late(&struct_class, "pie.thrift.structs", "Struct");
    if (init_name == NULL) {
        init_name = PyUnicode_InternFromString("__init__");
    }
    if (base == NULL || init_name == NULL) {
        return -1;
    }
    PyTypeObject *cls = program->cls;
    program->makes_defaults = true;
    if (!holds_only_slots(program) || !made_as_usual(cls)) {
        return 0;
    }
    PyObject *init = PyObject_GetAttr((PyObject *)cls, init_name);
    if (init == NULL) {
        return -1;
    }
    if (!is_generated(program, init)) {
        Py_DECREF(init);
        return 0;
    }
    program->init = init;
    program->init_code = Py_NewRef(PyFunction_GET_CODE(init));
    program->plain = true;
    program->makes_defaults = false;
    for (int i = 0; i < program->size; i++) {
        program->makes_defaults = program->makes_defaults || program->fields[i].fresh;
    }
    cls->tp_vectorcall = construct;
    /* Struct itself has the deallocator that every class made in Python has at first. */
    if (cls->tp_dealloc == ((PyTypeObject *)base)->tp_dealloc) {
        cls->tp_dealloc = deallocate;
    }
    return 0;
}
