/* The shape that all engines share: what an engine is handed, and what it asks for.
 *
 * A driver hands an engine one observation after the other; the first one is a TIMER. Whatever the
 * engine then asks for goes to the outbox that came with the observation. */
#ifndef EVENT_ENGINE_H
#define EVENT_ENGINE_H

#include "event.h"
#include "observation.h"
#include "waiting.h"

/* A datagram that an engine wants sent. */
struct send_request {
    unsigned socket; /* which of the engine's local ports; 0 = the service port */
    uint32_t tag;    /* comes back in the SENT or SEND_FAILED observation */
    struct endpoint to;
    uint8_t ttl;          /* 0 = the system's default */
    size_t size;          /* at most TEREDO_MAX_SIZE */
    const uint8_t *bytes; /* borrowed, until send returns */
};

/* Where an engine's wishes go: to a driver, to a test, or to the engine that this one is a part of.
 * SEND asks for a datagram: it is sent once observe has returned, and what became of it is the SENT
 * or SEND_FAILED observation with its tag. EMIT tells an event, which is borrowed until emit
 * returns; DONE says that the procedure has ended. Events and the end are told at once, and
 * neither follows the end. */
struct outbox {
    void (*send)(struct outbox *outbox, const struct send_request *request);
    void (*emit)(struct outbox *outbox, const struct event *event);
    void (*done)(struct outbox *outbox);
};

/* The first member of every engine, which makes a pointer to it a pointer to the engine. */
struct engine {
    const struct engine_ops *ops;
};

struct engine_ops {
    void (*observe)(struct engine *engine, const struct observation *observation,
                    struct outbox *outbox);
    /* When the engine wants a TIMER; NSEC_NEVER = not at all. */
    nsec (*deadline)(const struct engine *engine);
    /* Optional: what the engine waits for at the moment, for a status line. */
    void (*waiting)(const struct engine *engine, struct waiting *out);
};

static inline void engine_observe(struct engine *engine, const struct observation *observation,
                                  struct outbox *outbox)
{
    engine->ops->observe(engine, observation, outbox);
}

static inline nsec engine_deadline(const struct engine *engine)
{
    return engine->ops->deadline(engine);
}

/* WAITING_FOR_NOTHING of an engine that does not say. */
void engine_waiting(const struct engine *engine, struct waiting *out);

static inline void outbox_emit(struct outbox *outbox, const struct event *event)
{
    outbox->emit(outbox, event);
}

static inline void outbox_done(struct outbox *outbox)
{
    outbox->done(outbox);
}

/* Asks for the encoded PACKET, with all else as REQUEST says. */
void outbox_send_packet(struct outbox *outbox, struct send_request request,
                        const struct teredo_packet *packet);

/* An engine inside of another one, the composite, which fills in all but the outbox and `out`. What
 * the part sends goes out under tags of a range of its own; what it tells is the composite's to
 * pass on. Its end the composite knows from the verdict that was told before. */
struct part {
    struct outbox outbox; /* that the part is handed */
    struct outbox *out;   /* the composite's own */
    struct engine *engine;
    struct engine *composite;
    void (*told)(struct engine *composite, const struct event *event);
    uint32_t first_tag; /* the part's tag 0, for the composite's driver */
    uint32_t tags;      /* how many the part has */
};

/* Hands the part an observation of the composite; not one of a send that was not the part's. */
void part_observe(struct part *part, const struct observation *o, struct outbox *out);

#endif
