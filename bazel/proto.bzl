"""C++ protobuf and gRPC code generation with Debian's protoc and grpc_cpp_plugin."""

def _cc_proto_gen_impl(ctx):
    root = ctx.label.package  # the import root: `import "attune/v1/x.proto"`
    out_root = ctx.bin_dir.path + "/" + root
    hdrs = []
    srcs = []
    for src in ctx.files.srcs:
        stem = src.short_path[len(root) + 1:-len(".proto")]
        for ext in [".pb", ".grpc.pb"]:
            hdrs.append(ctx.actions.declare_file(stem + ext + ".h"))
            srcs.append(ctx.actions.declare_file(stem + ext + ".cc"))
    args = ctx.actions.args()
    args.add("-I" + root)
    args.add("--cpp_out=" + out_root)
    args.add("--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin")
    args.add("--grpc_out=" + out_root)
    args.add_all(ctx.files.srcs)
    ctx.actions.run(
        executable = "/usr/bin/protoc",
        arguments = [args],
        inputs = ctx.files.srcs,
        outputs = hdrs + srcs,
        mnemonic = "ProtocCpp",
        progress_message = "Generating C++ for %s" % ctx.label,
        use_default_shell_env = True,
    )
    return [
        DefaultInfo(files = depset(hdrs + srcs)),
        OutputGroupInfo(hdrs = depset(hdrs), srcs = depset(srcs)),
    ]

_cc_proto_gen = rule(
    implementation = _cc_proto_gen_impl,
    attrs = {"srcs": attr.label_list(allow_files = [".proto"], mandatory = True)},
)

def cc_proto(name, srcs, visibility = None):
    """A cc_library of the messages and services of `srcs`, whose imports start at this package."""
    _cc_proto_gen(name = name + "_gen", srcs = srcs, visibility = ["//visibility:private"])
    native.filegroup(name = name + "_hdrs", srcs = [name + "_gen"], output_group = "hdrs", visibility = ["//visibility:private"])
    native.filegroup(name = name + "_srcs", srcs = [name + "_gen"], output_group = "srcs", visibility = ["//visibility:private"])
    native.cc_library(
        name = name,
        srcs = [name + "_srcs"],
        hdrs = [name + "_hdrs"],
        # Generated code is not ours to warn about.
        copts = ["-w"],
        includes = ["."],
        visibility = visibility,
        deps = ["//third_party/system:grpcpp"],
    )
