"""Text files as C++ string constants, so that what ships lies beside the code that uses it."""

def cc_text(name, srcs, namespace, visibility = None):
    """A header NAME.h with a constant char array for each file.

    dir/acquire.lua becomes NAMESPACE::text::acquire_lua. No line of a file may hold ')text"'.
    """
    header = name + ".h"
    native.genrule(
        name = name + "_gen",
        srcs = srcs,
        outs = [header],
        cmd = """
          {{
            echo '// Generated from text files.'
            echo '#pragma once'
            echo 'namespace {namespace}::text {{'
            for file in $(SRCS); do
              base=$$(basename $$file | tr .- __)
              printf 'inline constexpr char %s[] = R"text(' $$base
              cat $$file
              echo ')text";'
            done
            echo '}}'
          }} > $@
        """.format(namespace = namespace),
        visibility = ["//visibility:private"],
    )
    native.cc_library(
        name = name,
        hdrs = [header],
        visibility = visibility,
    )
