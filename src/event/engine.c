#include "engine.h"

void engine_waiting(const struct engine *engine, struct waiting *out)
{
    *out = (struct waiting){.until = NSEC_NEVER, .at_most = NSEC_NEVER};
    if (engine->ops->waiting != NULL)
        engine->ops->waiting(engine, out);
}

void outbox_send_packet(struct outbox *outbox, struct send_request request,
                        const struct teredo_packet *packet)
{
    uint8_t bytes[TEREDO_MAX_SIZE];
    struct writer w = writer_of(bytes, sizeof bytes);

    teredo_encode(&w, packet);
    request.bytes = bytes;
    request.size = w.size;
    outbox->send(outbox, &request);
}

static void part_sends(struct outbox *outbox, const struct send_request *request)
{
    const struct part *part = (const struct part *)outbox;
    struct send_request renumbered = *request;

    renumbered.tag += part->first_tag;
    part->out->send(part->out, &renumbered);
}

static void part_tells(struct outbox *outbox, const struct event *event)
{
    const struct part *part = (const struct part *)outbox;

    part->told(part->composite, event);
}

static void part_ends(struct outbox *outbox)
{
    (void)outbox;
}

void part_observe(struct part *part, const struct observation *o, struct outbox *out)
{
    struct observation own = *o;

    if (o->kind == OBSERVED_SENT || o->kind == OBSERVED_SEND_FAILED) {
        own.tag = o->tag - part->first_tag;
        if (own.tag >= part->tags)
            return;
    }
    part->outbox = (struct outbox){part_sends, part_tells, part_ends};
    part->out = out;
    engine_observe(part->engine, &own, &part->outbox);
}
