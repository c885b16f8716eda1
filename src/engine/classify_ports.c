/* The mappings that a classification saw, in the order in which the NAT made them. */
#include "classify_find.h"

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
static void place(const struct classify *p, enum nat_depends mapping, unsigned socket,
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

unsigned classify_points(const struct classify *p, enum nat_depends mapping,
                         struct port_point points[static CLASSIFY_PORTS])
{
    static const enum nat_test_name tests[CLASSIFY_PORTS] = {
        NAT_TEST_X_P, NAT_TEST_X_S, NAT_TEST_Y_P, NAT_TEST_Y_S, NAT_TEST_D0_S,  NAT_TEST_D1_S,
        NAT_TEST_F0,  NAT_TEST_F1,  NAT_TEST_F2,  NAT_TEST_F3,  NAT_TEST_OPEN0, NAT_TEST_OPEN1};
    unsigned count = 0;

    for (unsigned i = 0; i < CLASSIFY_PORTS; i++) {
        const struct nat_test *test = &p->tests[tests[i]];
        struct port_point point = {.local = p->config.local[test->socket].port,
                                   .mapped = test->mapped};
        bool known = false;

        if (test->answered == 0 || test->unsteady)
            continue;
        place(p, mapping, test->socket, test->to, &point);
        for (unsigned k = 0; k < count; k++)
            known |= points[k].order == point.order;
        if (!known)
            points[count++] = point;
    }
    return count;
}
