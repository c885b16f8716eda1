# TEREDO_CFLAG(FLAG, [IF-TAKEN], [IF-REFUSED]): adds FLAG to AM_CFLAGS if the compiler takes it.
# -Werror, for clang only warns of an option that it does not know.
AC_DEFUN([TEREDO_CFLAG], [
    AS_VAR_PUSHDEF([cache], [teredo_cv_cflag_$1])
    AC_CACHE_CHECK([whether $CC takes $1], [cache], [
        teredo_save=$CFLAGS
        CFLAGS="$CFLAGS -Werror $1"
        AC_COMPILE_IFELSE([AC_LANG_SOURCE([int main(void) { return 0; }])],
            [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
        CFLAGS=$teredo_save])
    AS_VAR_IF([cache], [yes], [AM_CFLAGS="$AM_CFLAGS $1"
        $2], [m4_default([$3], [:])])
    AS_VAR_POPDEF([cache])
])

# TEREDO_CFLAGS(FLAGS): the same for each of several.
AC_DEFUN([TEREDO_CFLAGS], [m4_foreach_w([teredo_flag], [$1], [TEREDO_CFLAG(teredo_flag)])])

# TEREDO_LINK_FLAG(FLAGS, [IF-TAKEN], [IF-REFUSED]): whether a program compiles and links with FLAGS.
AC_DEFUN([TEREDO_LINK_FLAG], [
    AS_VAR_PUSHDEF([cache], [teredo_cv_link_$1])
    AC_CACHE_CHECK([whether $CC links with $1], [cache], [
        teredo_save=$CFLAGS
        CFLAGS="$CFLAGS -Werror $1"
        AC_LINK_IFELSE([AC_LANG_SOURCE([int main(void) { return 0; }])],
            [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
        CFLAGS=$teredo_save])
    AS_VAR_IF([cache], [yes], [$2], [m4_default([$3], [:])])
    AS_VAR_POPDEF([cache])
])

# TEREDO_LDFLAG(FLAG): adds FLAG to AM_LDFLAGS if the linker takes it.
AC_DEFUN([TEREDO_LDFLAG], [TEREDO_LINK_FLAG([$1], [AM_LDFLAGS="$AM_LDFLAGS $1"])])

# TEREDO_FORTIFY: _FORTIFY_SOURCE=2 when the user's flags optimise and do not set it themselves. The
# -U is for compilers that come with it defined.
AC_DEFUN([TEREDO_FORTIFY], [
    AC_CACHE_CHECK([whether to set _FORTIFY_SOURCE], [teredo_cv_fortify], [
        teredo_cv_fortify=no
        AC_COMPILE_IFELSE([AC_LANG_SOURCE([
            #ifndef __OPTIMIZE__
            #error not optimising
            #endif
            int main(void) { return 0; }])], [teredo_cv_fortify=yes])
        AS_CASE([" $CFLAGS $CPPFLAGS "], [*_FORTIFY_SOURCE*], [teredo_cv_fortify=no])])
    AS_IF([test "x$teredo_cv_fortify" = xyes],
        [AM_CPPFLAGS_COMMON="$AM_CPPFLAGS_COMMON -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])
])

# TEREDO_PKG(PREFIX, MODULE, DEBIAN-PACKAGE): a library by pkg-config, or an error that names the
# package to install.
AC_DEFUN([TEREDO_PKG], [
    PKG_CHECK_MODULES([$1], [$2], [],
        [AC_MSG_ERROR([$2 not found (Debian: $3)])])
])

# TEREDO_LIBNET: libnet, which comes with a pkg-config file, with libnet-config, or with neither.
AC_DEFUN([TEREDO_LIBNET], [
    PKG_CHECK_MODULES([NET], [libnet], [], [
        AC_CHECK_PROGS([LIBNET_CONFIG], [libnet-config])
        AS_IF([test -n "$LIBNET_CONFIG"], [
            NET_CFLAGS=`$LIBNET_CONFIG --cflags`
            NET_LIBS=`$LIBNET_CONFIG --libs`
        ], [
            AC_CHECK_LIB([net], [libnet_init], [NET_LIBS=-lnet],
                [AC_MSG_ERROR([libnet not found (Debian: libnet1-dev)])])])
        AC_SUBST([NET_CFLAGS])
        AC_SUBST([NET_LIBS])])
    teredo_save=$CPPFLAGS
    CPPFLAGS="$CPPFLAGS $NET_CFLAGS"
    AC_CHECK_HEADER([libnet.h], [], [AC_MSG_ERROR([libnet.h not found (Debian: libnet1-dev)])])
    CPPFLAGS=$teredo_save
])
