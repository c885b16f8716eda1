#include "passive_punch.h"

/* Where packets are seen on their way. */

static bool has_initial_ttl(uint8_t ttl)
{
    return ttl == 64 || ttl == 128 || ttl == 255;
}

bool passive_is_at_sender(const struct observation *o)
{
    return ip4_is_inside(o->from.address) || has_initial_ttl(o->ttl);
}

enum view_place passive_place(const struct passive_punch *p, const struct observation *o,
                              enum passive_party sender)
{
    uint32_t receiver = p->next_to[sender == INITIATOR ? PEER : INITIATOR][o->vantage];

    if (passive_is_at_sender(o))
        return PLACE_SENDER;
    /* A receiver that has a public address itself is known by what it has sent. */
    return ip4_is_inside(o->to.address) || (receiver != 0 && receiver == o->to.address)
               ? PLACE_RECEIVER
               : PLACE_PATH;
}

const struct step_view *passive_view(const struct passive_packet *packet, enum view_place place)
{
    for (unsigned i = 0; i < packet->count; i++)
        if (packet->views[i].place == place)
            return &packet->views[i];
    return NULL;
}

struct step_view passive_make_view(const struct observation *o, enum view_place place)
{
    return (struct step_view){
        .when = o->when,
        .from = o->from,
        .to = o->to,
        .vantage = (uint8_t)o->vantage,
        .ttl = o->ttl,
        .place = (uint8_t)place,
    };
}

/* A packet passes each point of its way once. */
static bool was_there(const struct passive_packet *packet, const struct observation *o)
{
    for (unsigned i = 0; i < packet->count; i++) {
        const struct step_view *v = &packet->views[i];

        if (v->vantage == o->vantage && v->ttl == o->ttl && endpoint_equal(v->from, o->from) &&
            endpoint_equal(v->to, o->to))
            return true;
    }
    return false;
}

bool passive_add_view(struct passive_packet *packet, const struct observation *o,
                      enum view_place place)
{
    if (packet->count > 0 &&
        (o->when - packet->views[0].when > PASSIVE_SAME || was_there(packet, o)))
        return false;
    /* The last place is for the sight that is furthest on the way. */
    if (packet->count == STEP_MAX_VIEWS) {
        struct step_view *last = &packet->views[STEP_MAX_VIEWS - 1];

        if (last->place != PLACE_RECEIVER && (place == PLACE_RECEIVER || o->ttl < last->ttl))
            *last = passive_make_view(o, place);
        return true;
    }
    packet->views[packet->count++] = passive_make_view(o, place);
    return true;
}

/* Who has a public address is known next to a vantage point from what it sends, which may be after
 * what it was sent. */
static bool place_packet_again(const struct passive_punch *p, struct passive_packet *packet,
                               enum passive_party receiver)
{
    bool arrived = false;

    for (unsigned i = 0; i < packet->count; i++) {
        struct step_view *v = &packet->views[i];

        if (v->place == PLACE_PATH && v->to.address == p->next_to[receiver][v->vantage])
            v->place = PLACE_RECEIVER;
        arrived = arrived || v->place == PLACE_RECEIVER;
    }
    return arrived;
}

void passive_place_again(struct passive_punch *p)
{
    for (unsigned i = 0; i < PASSIVE_ATTEMPTS && i < p->attempt_count; i++) {
        if (place_packet_again(p, &p->attempts[i].direct, PEER))
            p->talk.arrived[INITIATOR] = true;
        place_packet_again(p, &p->attempts[i].forwarded, PEER);
    }
    if (place_packet_again(p, &p->answer, INITIATOR))
        p->talk.arrived[PEER] = true;
}
