/* Plans of route: where calls of one kind go. Twins: pie/govern/route/{plan,sticky}.py. */
#ifndef PIE_ROUTE_PLAN_H
#define PIE_ROUTE_PLAN_H

#include "base/named.h"
#include "call/call.h"
#include "call/ruled.h"
#include "call/tally.h"

/* Where a call goes. */
typedef struct {
    PyObject *kept; /* endpoints */
    PyObject *cluster, *notes;
} Leaf;

typedef struct RouteNode RouteNode;

typedef struct {
    AnswerHead head;
    PyObject *candidates; /* of which it was made */
    PyObject *user_key;   /* empty: calls draw by their logid */
    bool by_call;
    Counts *tally; /* NULL = no rule made it */
    RouteNode *root;
} RoutePlan;

extern PyTypeObject RoutePlan_Type;

/* The way of a call: borrowed from the plan; NULL with an exception set. Runs no Python where the texts of
 * the call are ordinary. */
const Leaf *route_plan_walk(const RoutePlan *plan, const CallObject *call);

int route_plan_init(PyObject *module);

#endif
