#include "resolve.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "loop.h"

/* Splits NAME[:PORT]; false if there is no name or the port is no number from 1 to 65535. */
static bool split_port(const char *text, char *name, size_t size, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);
    struct endpoint e;
    char classify[ENDPOINT_STRLEN];

    if (length == 0 || length >= size)
        return false;
    memcpy(name, text, length);
    name[length] = '\0';
    if (colon == NULL)
        return true;
    if (strchr(name, ':') != NULL || strlen(colon) > 6)
        return false;
    snprintf(classify, sizeof classify, "0.0.0.1%s", colon);
    if (!endpoint_parse(classify, 0, &e))
        return false;
    *port = e.port;
    return true;
}

static bool name_is_missing(int failed)
{
    /* The last two: it cannot be a name in the DNS. */
    return failed == UV_EAI_NONAME || failed == UV_EAI_NODATA || failed == UV_EINVAL ||
           failed == UV_E2BIG;
}

static struct endpoint take_answer(struct addrinfo *list, uint16_t port)
{
    struct sockaddr_in sa;

    memcpy(&sa, list->ai_addr, sizeof sa);
    uv_freeaddrinfo(list);
    return (struct endpoint){ntohl(sa.sin_addr.s_addr), port};
}

static const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM};

static void answered(uv_getaddrinfo_t *request, int failed, struct addrinfo *list)
{
    struct resolve_lookup *l = request->data;

    if (failed == 0)
        l->done(l->context, RESOLVE_FOUND, take_answer(list, l->port));
    else
        l->done(l->context, name_is_missing(failed) ? RESOLVE_NOT_FOUND : RESOLVE_FAILED,
                (struct endpoint){0});
}

void resolve_start(uv_loop_t *loop, struct resolve_lookup *l, const char *text,
                   uint16_t default_port,
                   void (*done)(void *context, enum resolve_outcome outcome, struct endpoint found),
                   void *context)
{
    struct endpoint none = {0}, literal;
    char name[256];
    int failed;

    l->port = default_port;
    l->done = done;
    l->context = context;
    l->request.data = l;
    if (endpoint_parse(text, default_port, &literal)) {
        done(context, RESOLVE_FOUND, literal);
        return;
    }
    if (!split_port(text, name, sizeof name, &l->port)) {
        done(context, RESOLVE_MALFORMED, none);
        return;
    }
    failed = uv_getaddrinfo(loop, &l->request, answered, name, NULL, &hints);
    if (failed != 0)
        done(context, name_is_missing(failed) ? RESOLVE_NOT_FOUND : RESOLVE_FAILED, none);
}

int resolve_endpoint(const char *text, uint16_t default_port, struct endpoint *out,
                     struct error *error)
{
    char name[256];
    uint16_t port = default_port;
    uv_loop_t loop;
    uv_getaddrinfo_t request;
    int failed;

    if (endpoint_parse(text, default_port, out))
        return 0;
    if (!split_port(text, name, sizeof name, &port)) {
        error_set(error, EX_USAGE, 0, "'%s' is not a server", text);
        return error_hint(error, "give an IPv4 address or a name, with :PORT if it is not %u",
                          default_port);
    }
    if (loop_init_uv(&loop, error) != 0)
        return -1;
    failed = uv_getaddrinfo(&loop, &request, NULL, name, NULL, &hints);
    uv_loop_close(&loop);
    if (failed != 0) {
        error_set(error, EX_NOHOST, 0, "cannot find '%s': %s", name, uv_strerror(failed));
        return error_hint(error, name_is_missing(failed)
                                     ? "check the name; Teredo needs one with an IPv4 address"
                                     : "check this host's name servers, or give an IPv4 address");
    }
    *out = take_answer(request.addrinfo, port);
    return 0;
}
