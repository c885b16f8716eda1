#include "bubble_aim.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "names.h"

enum {
    UNASKED_RATE = 10 /* packets a second */
};

static void add_target(struct bubble_plan *plan, enum bubble_aim aim, struct endpoint to)
{
    plan->targets[plan->target_count++] = (struct bubble_target){aim, to};
}

static int find_targets(struct bubble_plan *plan, const struct bubble_options *o,
                        struct error *error)
{
    const char *name = o->to;
    struct names_answer to;

    if (o->direct)
        add_target(plan, BUBBLE_DIRECT, o->peer_parts.mapped);
    if (o->indirect)
        add_target(plan, BUBBLE_INDIRECT, (struct endpoint){o->peer_parts.server, TEREDO_PORT});
    if (plan->target_count > 0)
        return 0;
    if (name == NULL && o->message == MESSAGE_FILE) {
        add_target(plan, BUBBLE_GIVEN, plan->base.to);
        return 0;
    }
    if (name == NULL)
        name = getenv("TEREDO_SERVER");
    if (names_resolve(name, TEREDO_PORT, &to, error) != 0)
        return -1;
    add_target(plan, BUBBLE_GIVEN, to.list[0]);
    return 0;
}

static bool is_laboratory(uint32_t address)
{
    const char *block = ip4_special_block(address);

    return block != NULL && (strcmp(block, "loopback") == 0 ||
                             strcmp(block, "documentation") == 0 || strcmp(block, "shared") == 0);
}

/* Ten packets are soon sent, whatever the interval. */
static int check_rate(const struct bubble_plan *plan, const struct bubble_options *o,
                      struct error *error)
{
    char to[ENDPOINT_STRLEN];

    if (o->rate != 0 || o->count * plan->target_count <= UNASKED_RATE ||
        plan->target_count * NSEC_S <= UNASKED_RATE * plan->interval)
        return 0;
    for (unsigned i = 0; i < plan->target_count; i++) {
        if (is_laboratory(plan->targets[i].to.address))
            continue;
        error_set(error, EX_USAGE, 0, "more than %d packets a second to %s", UNASKED_RATE,
                  endpoint_format(plan->targets[i].to, to));
        return error_hint(error, "a longer --interval; or --rate N, if that many are meant");
    }
    return 0;
}

int bubble_aim_make(struct bubble_plan *plan, const struct bubble_options *o, struct error *error)
{
    char to[ENDPOINT_STRLEN];

    if (find_targets(plan, o, error) != 0)
        return -1;
    for (unsigned i = 0; i < plan->target_count; i++)
        if (plan->targets[i].to.address == 0 || plan->targets[i].to.port == 0)
            return error_set(error, EX_USAGE, 0, "nothing can be sent to %s",
                             endpoint_format(plan->targets[i].to, to));
    plan->interval = o->interval;
    if (o->rate != 0)
        plan->interval = (nsec)plan->target_count * NSEC_S / (nsec)o->rate;
    return o->dry_run || o->write != NULL ? 0 : check_rate(plan, o, error);
}
