#include "passive_rig.h"

#include <stdlib.h>
#include <string.h>

/* As `teredoctl trace -r` has it. */
#define SETTLE_ONE (250 * NSEC_MS)
#define SETTLE_MANY (2 * NSEC_S)

enum {
    TABLE = 64
};

struct lane {
    enum world_point point;
    unsigned next; /* the index of its next packet; the count at its end */
    nsec when;     /* of that, or of its end */
};

struct play {
    struct outbox outbox;
    struct rig *rig;
    struct passive *engine;
    struct lane lanes[WORLD_POINTS];
    unsigned lane_count;
    nsec now;
};

void passive_rig_watch(void *context, const struct world_sight *sight)
{
    struct rig *e = context;
    struct passive_rig_packet *p = &e->packets[e->count];

    if (e->count == PASSIVE_RIG_PACKETS || sight->size > sizeof p->bytes) {
        e->overflow++;
        return;
    }
    p->sight = *sight;
    memcpy(p->bytes, sight->bytes, sight->size);
    p->sight.bytes = p->bytes;
    e->count++;
}

static void ignore_send(struct outbox *outbox, const struct send_request *request)
{
    (void)outbox;
    (void)request;
}

static void take_event(struct outbox *outbox, const struct event *event)
{
    struct rig *e = ((struct play *)outbox)->rig;

    e->events++;
    if (event->kind == EVENT_REJECTED) {
        e->rejected++;
    } else if (event->kind == EVENT_QUALIFICATION) {
        e->qualifications++;
        e->qualification = event->qualification;
    } else if (event->kind == EVENT_PUNCHING) {
        if (e->punches < PASSIVE_RIG_PUNCHES)
            e->punch[e->punches] = event->punching;
        e->punches++;
    }
}

static void take_end(struct outbox *outbox)
{
    ((struct play *)outbox)->rig->done = true;
}

static void feed(struct play *p, const struct observation *o)
{
    engine_observe(passive_engine(p->engine), o, &p->outbox);
}

static void feed_timer(struct play *p, unsigned vantage, nsec when)
{
    feed(p, &(struct observation){.kind = OBSERVED_TIMER, .when = when, .vantage = vantage});
}

static void advance(struct play *p, struct lane *lane, nsec end)
{
    while (lane->next < p->rig->count && p->rig->packets[lane->next].sight.point != lane->point)
        lane->next++;
    lane->when = lane->next < p->rig->count ? p->rig->packets[lane->next].sight.when : end;
}

static void pass_time(struct play *p, nsec when)
{
    nsec deadline;

    while ((deadline = engine_deadline(passive_engine(p->engine))) <= when) {
        p->now = nsec_max(p->now, deadline);
        for (unsigned i = 0; i < p->lane_count; i++)
            feed_timer(p, i, nsec_min(p->now, p->lanes[i].when));
    }
    p->now = nsec_max(p->now, when);
}

static void feed_sight(struct play *p, const struct world_sight *s, unsigned vantage)
{
    struct observation o = {
        .kind = s->is_icmp ? OBSERVED_ICMP_ERROR : OBSERVED_SEEN,
        .when = s->when,
        .from = s->from,
        .to = s->to,
        .size = s->size,
        .icmp = s->icmp,
        .vantage = vantage,
        .ttl = s->ttl,
    };
    struct teredo_packet packet;

    if (!s->is_icmp && teredo_decode(s->bytes, s->size, &packet, &o.fault))
        o.packet = &packet;
    feed(p, &o);
}

/* The lane with the earliest packet; -1 = all are at their ends. */
static int earliest(const struct play *p)
{
    int best = -1;

    for (unsigned i = 0; i < p->lane_count; i++)
        if (p->lanes[i].next < p->rig->count &&
            (best < 0 || p->lanes[i].when < p->lanes[best].when))
            best = (int)i;
    return best;
}

void passive_rig_listen(struct rig *e, const enum world_point *points, unsigned point_count,
                        nsec tail)
{
    /* Tables of the size that captures of many hosts need would take longer to clear than to use.
     */
    struct passive_config config = {.vantages = point_count,
                                    .punches = TABLE,
                                    .clients = TABLE,
                                    .seed = 1,
                                    .settle = point_count > 1 ? SETTLE_MANY : SETTLE_ONE};
    struct play p = {.outbox = {ignore_send, take_event, take_end},
                     .rig = e,
                     .engine = passive_new(&config),
                     .lane_count = point_count};
    nsec end = (e->count > 0 ? e->packets[e->count - 1].sight.when : WORLD_EPOCH) + tail;
    int lane;

    if (p.engine == NULL)
        abort();
    e->punches = e->qualifications = e->rejected = e->events = 0;
    e->done = false;
    for (unsigned i = 0; i < point_count; i++) {
        p.lanes[i].point = points[i];
        advance(&p, &p.lanes[i], end);
    }
    while ((lane = earliest(&p)) >= 0) {
        struct lane *l = &p.lanes[lane];

        pass_time(&p, l->when);
        feed_sight(&p, &e->packets[l->next].sight, (unsigned)lane);
        l->next++;
        advance(&p, l, end);
    }
    pass_time(&p, end);
    for (unsigned i = 0; i < point_count; i++)
        feed_timer(&p, i, end);
    feed(&p, &(struct observation){.kind = OBSERVED_STOP, .when = p.now});
    e->summary = passive_summary(p.engine);
    passive_free(p.engine);
}
