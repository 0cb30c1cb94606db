/* `_native.Speaker`: the class of what a loop can be given to serve. */
#include "loop/speaker.h"

PyTypeObject *speaker_type;

static PyType_Slot speaker_slots[] = {
    {Py_tp_doc, "A protocol as one server speaks it."},
    {0, NULL},
};

static PyType_Spec speaker_spec = {
    .name = "pie._core._native.Speaker",
    .basicsize = sizeof(SpeakerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = speaker_slots,
};

int speaker_init(PyObject *module) {
    speaker_type = (PyTypeObject *)PyType_FromSpec(&speaker_spec);
    return speaker_type == NULL ? -1
                                : PyModule_AddObjectRef(module, "Speaker", (PyObject *)speaker_type);
}
