#include "find_server.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include "live.h"

/* Whether a server can live at ADDRESS at all. A literal address inside a network is the user's own
 * choice; a name that leads there is blocked by a resolver, or wrong. */
static bool can_be_server(const struct find_server *f, uint32_t address, bool is_literal)
{
    /* RFC 1112 4: class E is for the future; RFC 4380 5.2.4 does not list it. */
    if (address >= UINT32_C(0xf0000000))
        return false;
    return ip4_is_global_unicast(address) ||
           (ip4_is_inside(address) && (is_literal || f->allow_private));
}

/* Leaves the addresses that can be servers; -1 and ERROR filled where none can. */
static int drop_unusable(struct find_server *f, struct error *error)
{
    struct names_answer *found = &f->found;
    char address[IP4_STRLEN];
    struct endpoint literal;
    bool is_literal = endpoint_parse(f->name, TEREDO_PORT, &literal);
    uint32_t first = found->list[0].address;
    unsigned kept = 0;

    for (unsigned i = 0; i < found->count; i++)
        if (can_be_server(f, found->list[i].address, is_literal))
            found->list[kept++] = found->list[i];
    found->count = kept;
    if (kept > 0)
        return 0;
    f->reason = QUALIFY_ADDRESS_UNUSABLE;
    ip4_format(first, address);
    if (is_literal) {
        error_set(error, EX_NOHOST, 0, "%s is an address that no server can have (%s)", address,
                  ip4_special_block(first));
        return error_hint(error, "give the server's own address");
    }
    error_set(error, EX_NOHOST, 0, "'%s' leads to %s, an address that no server can have (%s)",
              f->name, address, ip4_special_block(first));
    return error_hint(error, "this host's resolver may block the name; give the server's address, "
                             "or ask another resolver");
}

static void drop_event(void *context, const struct event *event)
{
    (void)context;
    (void)event;
}

/* Of several addresses of one name, the first that answers. From a port of its own, so that what
 * follows finds the NAT as it was. */
static int choose(struct find_server *f, struct error *error)
{
    struct pick_config config = {
        .servers = f->found.list,
        .count = f->found.count,
        .timeout = f->timeout,
        .allow_private = f->allow_private,
        .identity = f->identity,
        .nonces = f->nonces,
    };
    struct event_sink sink = {drop_event, NULL};
    struct live *live = live_open(0, 1, f->found.list[0], false, error);
    int result;

    if (live == NULL)
        return -1;
    pick_server_init(&f->pick, &config);
    result = live_run(live, &f->pick.engine, &sink, NULL, error);
    live_close(live);
    if (result == 0 && f->pick.answers > 0)
        f->server = f->found.list[f->pick.first];
    return result;
}

static enum qualify_reason reason_of_name(enum names_outcome outcome)
{
    switch (outcome) {
    case NAMES_MALFORMED:
        return QUALIFY_NAME_MALFORMED;
    case NAMES_NO_ADDRESS:
        return QUALIFY_NAME_NO_ADDRESS;
    case NAMES_FAILED:
        return QUALIFY_RESOLVER_FAILED;
    case NAMES_INTERRUPTED:
        return QUALIFY_INTERRUPTED;
    case NAMES_FOUND:
    case NAMES_NOT_FOUND:
        break;
    }
    return QUALIFY_NAME_NOT_FOUND;
}

/* What every server of the field does, and miredo's default, is the primary plus one. */
static int find_secondary(struct find_server *f, struct error *error)
{
    struct names_answer found;

    f->secondary = (struct endpoint){f->server.address + 1, f->server.port};
    if (f->secondary_name != NULL) {
        if (names_resolve(f->secondary_name, f->server.port, &found, error) != 0)
            return -1;
        f->secondary = found.list[0];
    }
    if (f->secondary.address != f->server.address)
        return 0;
    error_set(error, EX_USAGE, 0, "the secondary server address is the primary one");
    return error_hint(error,
                      "leave --secondary out, or name the server's other address: what a NAT "
                      "does shows between two");
}

int find_server(struct find_server *f, struct error *error)
{
    if (names_resolve(f->name, TEREDO_PORT, &f->found, error) != 0) {
        f->reason = reason_of_name(f->found.outcome);
        return -1;
    }
    if (drop_unusable(f, error) != 0)
        return -1;
    f->server = f->found.list[0];
    if (f->found.count > 1 && choose(f, error) != 0)
        return -1;
    return find_secondary(f, error);
}
