/* The mappings that a classification saw, in the order in which the NAT made them. */
#include "probe_find.h"

static bool same_mapping(enum nat_depends mapping, struct endpoint a, struct endpoint b)
{
    switch (mapping) {
    case DEPENDS_ENDPOINT_INDEPENDENT:
    case DEPENDS_UNKNOWN:
        return true;
    case DEPENDS_ADDRESS:
        return a.address == b.address;
    case DEPENDS_ADDRESS_AND_PORT:
    case DEPENDS_ENDPOINT:
    case DEPENDS_COUNT:
        break;
    }
    return endpoint_equal(a, b);
}

/* Sets the place of the mapping that carried SOCKET's packets to TO among those that we made. */
static void place(const struct probe *p, enum nat_depends mapping, unsigned socket,
                  struct endpoint to, struct port_point *point)
{
    point->order = 0;
    point->first = true;
    for (unsigned i = 0; i < p->made_count; i++) {
        bool again = false;

        if (p->made[i].socket == socket && same_mapping(mapping, p->made[i].to, to))
            return;
        for (unsigned k = 0; k < i; k++)
            again |= p->made[k].socket == p->made[i].socket &&
                     same_mapping(mapping, p->made[k].to, p->made[i].to);
        point->order += !again;
        point->first &= p->made[i].socket != socket;
    }
}

unsigned probe_points(const struct probe *p, enum nat_depends mapping,
                      struct port_point points[static CLASSIFY_PORTS])
{
    static const enum probe_leg_name legs[CLASSIFY_PORTS] = {
        LEG_X_P, LEG_X_S, LEG_Y_P, LEG_Y_S, LEG_D0_S,  LEG_D1_S,
        LEG_F0,  LEG_F1,  LEG_F2,  LEG_F3,  LEG_OPEN0, LEG_OPEN1};
    unsigned count = 0;

    for (unsigned i = 0; i < CLASSIFY_PORTS; i++) {
        const struct probe_leg *leg = &p->legs[legs[i]];
        struct port_point point = {.local = p->config.local[leg->socket].port,
                                   .mapped = leg->mapped};
        bool known = false;

        if (leg->answered == 0 || leg->unsteady)
            continue;
        place(p, mapping, leg->socket, leg->to, &point);
        for (unsigned k = 0; k < count; k++)
            known |= points[k].order == point.order;
        if (!known)
            points[count++] = point;
    }
    return count;
}
