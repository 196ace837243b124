"""Image, compose file and Kubernetes manifests, as far as they can be judged without running them.

Checked here: what refers to what (volumes, secrets, ports, selectors, files), flags against the
real binaries, packages of the image against what the binaries are linked to, what must not be
missing (drain, probes, limits, no root). Not checked: the schemas of Docker and Kubernetes, and
whether an image builds: neither program is among Debian's that deploy/setup installs.
"""

import pathlib
import re
import shutil
import subprocess
import unittest

import yaml

ROOT = pathlib.Path(__file__).absolute().parents[2]
DEPLOY = ROOT / "deploy"
ATTUNED = ROOT / "services/attuned/attuned"
CTL = ROOT / "edge/ctl/attunectl"


def flags_of(program, *words):
    done = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=False)
    return {flag.replace("_", "-") for flag in re.findall(r"--([a-z][a-z_-]*)", done.stdout)}


def documents(name):
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


class FlagsTest(unittest.TestCase):

    def assert_flags(self, words, known):
        flags = [word[2:].split("=")[0] for word in words if word.startswith("--")]
        self.assertTrue(flags)
        for flag in flags:
            self.assertIn(flag, known)

    def test_flags_of_attuned_exist(self):
        known = flags_of(ATTUNED)
        compose = documents("compose/compose.yml")[0]["services"]
        for name in ("node-1", "node-2", "node-3"):
            self.assert_flags(compose[name]["command"], known)
        for document in documents("kubernetes/nodes.yaml"):
            if document["kind"] == "StatefulSet":
                container = document["spec"]["template"]["spec"]["containers"][0]
                self.assert_flags(container["args"], known)

    def test_flags_of_attunectl_exist(self):
        node = flags_of(CTL, "node")
        compose = documents("compose/compose.yml")[0]["services"]
        self.assert_flags(compose["node-1"]["healthcheck"]["test"], node)
        text = (DEPLOY / "kubernetes/nodes.yaml").read_text(encoding="utf-8")
        [call] = re.findall(r"exec attunectl node drain(.*?)\n {10}\w", text, re.S)
        self.assert_flags(call.split(), node)
        runbook = (DEPLOY / "RUNBOOK.md").read_text(encoding="utf-8")
        calls = re.findall(r"attunectl node (?:list|show|drain)([^`\n#]*)", runbook)
        self.assertGreater(len(calls), 5)
        for call in calls:
            for word in call.split():
                if word.startswith("--"):
                    self.assertIn(word[2:].split("=")[0], node)


class ImageTest(unittest.TestCase):

    def setUp(self):
        self.text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
        self.run_stage = self.text[self.text.rindex("FROM "):]

    def test_it_is_debian_in_two_stages_and_not_root(self):
        self.assertEqual(re.findall(r"^FROM (\S+)", self.text, re.M),
                         ["debian:bookworm", "debian:bookworm-slim"])
        self.assertRegex(self.run_stage, r"(?m)^USER (?!0)\d+:\d+$")
        for word in ("curl", "wget", "pip ", "npm ", "ADD ", "git clone"):
            self.assertNotIn(word, self.text, "only Debian packages are fetched")

    def test_it_has_what_the_binaries_are_linked_to(self):
        listed = set(re.findall(r"^ {6}((?:lib|zlib)\S+)", self.run_stage, re.M))
        self.assertGreater(len(listed), 5)
        base = {"libc6", "libgcc-s1"}  # of debian:bookworm-slim itself
        files = set()
        for program in (ATTUNED, CTL):
            needed = re.findall(r"NEEDED.*\[(.*)\]", subprocess.run(
                ["readelf", "-d", program.resolve()], capture_output=True, text=True,
                check=True).stdout)
            where = dict(re.findall(r"^\s*(\S+) => (/\S+)", subprocess.run(
                ["ldd", program.resolve()], capture_output=True, text=True,
                check=True).stdout, re.M))
            # All but the loader, which ldd does not resolve.
            files |= {pathlib.Path(where[name]).resolve().name for name in needed if name in where}
        self.assertGreater(len(files), 8)
        said = subprocess.run(["dpkg", "-S", *(f"*/{file}" for file in files)],
                              capture_output=True, text=True, check=True).stdout
        owners = {}
        for line in said.splitlines():
            package, path = line.split(": ")
            owners.setdefault(pathlib.PurePosixPath(path).name, set()).add(package.split(":")[0])
        for file in files:
            self.assertTrue(owners[file] & (listed | base), f"{file}: {owners[file]}")

    def test_the_packages_to_build_with_are_those_of_setup(self):
        # The pattern with which the image tells packages for tests from those for building.
        self.assertIn("""awk '$2 != "tests:" {print $1}'""", self.text)
        done = subprocess.run([DEPLOY / "setup", "--list"], capture_output=True, text=True,
                              check=True)
        build = [line.split()[0] for line in done.stdout.splitlines()
                 if line.split()[1] != "tests:"]
        for package in ("bazel-bootstrap", "g++", "libgrpc++-dev", "libhiredis-dev"):
            self.assertIn(package, build)
        self.assertNotIn("prometheus", build)


class ComposeTest(unittest.TestCase):

    def setUp(self):
        [self.all] = documents("compose/compose.yml")
        self.services = self.all["services"]

    def test_what_is_named_is_there(self):
        for name, service in self.services.items():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((DEPLOY / "compose" / source).resolve().exists(), volume)
                else:
                    self.assertIn(source, self.all["volumes"], name)
            for network in service.get("networks", []):
                self.assertIn(network, self.all["networks"], name)
            for other in service.get("depends_on", []):
                self.assertIn(other, self.services, name)
        self.assertEqual((DEPLOY / "compose/../..").resolve(),
                         (DEPLOY / "compose" / self.services["keys"]["build"]["context"]).resolve())

    def test_redis_keeps_what_it_acknowledged(self):
        command = " ".join(self.services["redis"]["command"])
        self.assertIn("--appendonly yes", command)
        self.assertIn("--maxmemory-policy noeviction", command)

    def test_nodes_drain_differ_and_are_locked(self):
        seen = set()
        for name in ("node-1", "node-2", "node-3"):
            node = self.services[name]
            flags = dict(flag[2:].split("=", 1) for flag in node["command"] if "=" in flag)
            self.assertEqual((flags["node-id"], flags["advertise"]), (name, f"{name}:7400"))
            seen.add(flags["advertise"])
            self.assertEqual(node["stop_signal"], "SIGTERM")
            self.assertGreaterEqual(int(node["stop_grace_period"].rstrip("s")), 30)
            self.assertTrue(node["read_only"])
            self.assertEqual(node["cap_drop"], ["ALL"])
        self.assertEqual(len(seen), 3)
        balancer = (DEPLOY / "compose/haproxy.cfg").read_text(encoding="utf-8")
        # The header of services/node/hop.h: agents outside cannot reach the nodes' own addresses.
        hop = (ROOT / "services/node/hop.h").read_text(encoding="utf-8")
        [header] = re.findall(r'kFollowRedirectsKey\[\] = "(.*)"', hop)
        self.assertIn(f"http-request set-header {header} no", balancer)
        scraped = (DEPLOY / "compose/prometheus.yml").read_text(encoding="utf-8")
        for address in seen:
            self.assertIn(address, balancer)
            self.assertIn(address.replace("7400", "7480"), scraped)

    def test_haproxy_accepts_its_configuration(self):
        path = DEPLOY / "compose/haproxy.cfg"
        haproxy = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
        if haproxy is None:  # Brought by tests of the front door; the names above must do.
            self.assertIn("backend nodes", path.read_text(encoding="utf-8"))
            return
        done = subprocess.run([haproxy, "-c", "-f", path], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_only_loopback_is_published(self):
        ports = [port for service in self.services.values() for port in service.get("ports", [])]
        self.assertTrue(ports)
        for port in ports:
            self.assertTrue(port.startswith("127.0.0.1:"), port)


class KubernetesTest(unittest.TestCase):

    def setUp(self):
        [self.kustomization] = documents("kubernetes/kustomization.yaml")
        self.objects = {}
        for name in [*self.kustomization["resources"], "secret.example.yaml"]:
            for document in documents(f"kubernetes/{name}"):
                key = (document["kind"], document["metadata"]["name"])
                self.assertNotIn(key, self.objects)
                self.objects[key] = document

    def node(self):
        return self.objects["StatefulSet", "attune-node"]["spec"]

    def test_every_object_has_its_group_and_the_secrets_are_not_shipped(self):
        groups = {"Namespace": "v1", "Service": "v1", "ConfigMap": "v1", "Secret": "v1",
                  "StatefulSet": "apps/v1", "PodDisruptionBudget": "policy/v1",
                  "NetworkPolicy": "networking.k8s.io/v1"}
        for (kind, name), document in self.objects.items():
            self.assertEqual(document["apiVersion"], groups[kind], name)
        self.assertNotIn("secret.example.yaml", self.kustomization["resources"])

    def test_selectors_select(self):
        labels = [document["spec"]["template"]["metadata"]["labels"]
                  for (kind, _), document in self.objects.items() if kind == "StatefulSet"]

        def selected(selector):
            return any(selector.items() <= one.items() for one in labels)
        for (kind, name), document in self.objects.items():
            spec = document.get("spec", {})
            if kind == "Service":
                self.assertTrue(selected(spec["selector"]), name)
            elif kind in ("StatefulSet", "PodDisruptionBudget"):
                self.assertTrue(selected(spec["selector"]["matchLabels"]), name)
            elif kind == "NetworkPolicy":
                self.assertTrue(selected(spec["podSelector"]["matchLabels"]), name)
                for rule in spec.get("ingress", []) + spec.get("egress", []):
                    for peer in rule.get("from", []) + rule.get("to", []):
                        if "podSelector" in peer:
                            self.assertTrue(selected(peer["podSelector"]["matchLabels"]), name)
            if kind == "StatefulSet":
                service = self.objects["Service", spec["serviceName"]]["spec"]
                self.assertEqual(service["clusterIP"], "None", "headless")
                self.assertLessEqual(spec["selector"]["matchLabels"].items(),
                                     spec["template"]["metadata"]["labels"].items())

    def test_ports_volumes_and_secrets_are_there(self):
        for (kind, name), document in self.objects.items():
            if kind != "StatefulSet":
                continue
            spec = document["spec"]
            pod = spec["template"]["spec"]
            volumes = {volume["name"] for volume in pod.get("volumes", [])}
            volumes |= {claim["metadata"]["name"]
                        for claim in spec.get("volumeClaimTemplates", [])}
            for volume in pod.get("volumes", []):
                if "secret" in volume:
                    self.assertIn(("Secret", volume["secret"]["secretName"]), self.objects)
                if "configMap" in volume:
                    self.assertIn(("ConfigMap", volume["configMap"]["name"]), self.objects)
            ports = {port["name"]: port["containerPort"]
                     for container in pod["containers"] for port in container["ports"]}
            for container in pod["containers"] + pod.get("initContainers", []):
                for mount in container["volumeMounts"]:
                    self.assertIn(mount["name"], volumes, container["name"])
            for service in (d["spec"] for (k, _), d in self.objects.items() if k == "Service"):
                if service["selector"].items() <= spec["template"]["metadata"]["labels"].items():
                    for port in service["ports"]:
                        self.assertEqual(ports[port["targetPort"]], port["port"], name)
            if name == "attune-node":
                [container] = pod["containers"]
                listening = dict(arg[2:].split("=", 1) for arg in container["args"] if "=" in arg)
                self.assertEqual(listening["grpc"], f"0.0.0.0:{ports['grpc']}")
                self.assertEqual(listening["http"], f"0.0.0.0:{ports['http']}")
                mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
                for flag in ("keys", "tls-cert", "tls-key", "tls-ca"):
                    self.assertIn(str(pathlib.PurePosixPath(listening[flag]).parent), mounts)

    def test_a_node_drains_before_it_stops_and_one_at_a_time(self):
        spec = self.node()
        pod = spec["template"]["spec"]
        [container] = pod["containers"]
        [shell, option, command] = container["lifecycle"]["preStop"]["exec"]["command"]
        self.assertEqual((shell, option), ("/bin/sh", "-c"))
        # Hooks get no $(NAME) filled in: the shell does it, from the container's environment.
        self.assertNotIn("$(", command)
        known = {variable["name"] for variable in container["env"]}
        self.assertLessEqual(set(re.findall(r"\$(\w+)", command)), known)
        wait_s = int(re.search(r"--wait-s=(\d+)", command).group(1))
        self.assertLess(wait_s + 20, pod["terminationGracePeriodSeconds"])
        self.assertEqual(self.objects["PodDisruptionBudget", "attune-nodes"]["spec"]
                         ["maxUnavailable"], 1)
        self.assertTrue(self.objects["Service", "attune-nodes"]["spec"]
                        ["publishNotReadyAddresses"], "a draining node is reached by the others")
        for arg in container["args"]:
            self.assertLessEqual(set(re.findall(r"\$\((\w+)\)", arg)), known)

    def test_a_node_that_waits_for_redis_is_not_killed(self):
        [container] = self.node()["template"]["spec"]["containers"]
        self.assertEqual(container["readinessProbe"]["httpGet"]["path"], "/healthz")
        self.assertNotEqual(container["livenessProbe"]["httpGet"]["path"], "/healthz")

    def test_pods_are_locked(self):
        for (kind, name), document in self.objects.items():
            if kind != "StatefulSet":
                continue
            pod = document["spec"]["template"]["spec"]
            self.assertFalse(pod["automountServiceAccountToken"], name)
            self.assertTrue(pod["securityContext"]["runAsNonRoot"], name)
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            for container in pod["containers"] + pod.get("initContainers", []):
                locked = container["securityContext"]
                self.assertFalse(locked["allowPrivilegeEscalation"])
                self.assertTrue(locked["readOnlyRootFilesystem"])
                self.assertEqual(locked["capabilities"], {"drop": ["ALL"]})
                self.assertIn("memory", container["resources"]["limits"])
        conf = self.objects["ConfigMap", "attune-redis"]["data"]["redis.conf"]
        self.assertIn("appendonly yes", conf)
        self.assertIn("maxmemory-policy noeviction", conf)


if __name__ == "__main__":
    unittest.main()
