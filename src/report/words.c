#include "words.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <time.h>

const char *words_time(nsec when, char buf[static RFC3339_STRLEN])
{
    time_t seconds = when / NSEC_S;
    struct tm tm;
    size_t n;

    gmtime_r(&seconds, &tm);
    n = strftime(buf, RFC3339_STRLEN, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buf + n, RFC3339_STRLEN - n, ".%09dZ", (int)(when % NSEC_S));
    return buf;
}

const char *words_ip6(const struct in6_addr *address, char buf[static INET6_ADDRSTRLEN])
{
    return inet_ntop(AF_INET6, address, buf, INET6_ADDRSTRLEN);
}
