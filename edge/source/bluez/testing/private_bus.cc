#include "edge/source/bluez/testing/private_bus.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace attune::edge {
namespace {

void Must(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::abort();
}

constexpr char kConfiguration[] = R"(<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>ADDRESS</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
)";

}  // namespace

PrivateBus::PrivateBus() {
  // A socket's path has at most 107 characters: not in a test's own, deep folder.
  std::string folder = "/tmp/attune-bus-XXXXXX";
  Must(mkdtemp(folder.data()) != nullptr, "mkdtemp");
  folder_ = folder;
  address_ = "unix:path=" + folder_ + "/bus";
  std::string configuration = kConfiguration;
  configuration.replace(configuration.find("ADDRESS"), 7, address_);
  std::ofstream(folder_ + "/bus.conf") << configuration;
  Start();
}

PrivateBus::~PrivateBus() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void PrivateBus::Start() {
  int ready[2];
  Must(pipe2(ready, O_CLOEXEC) == 0, "pipe2");
  const std::string configuration = "--config-file=" + folder_ + "/bus.conf";
  const std::string print = "--print-address=" + std::to_string(ready[1]);
  std::error_code ignored;
  std::filesystem::remove(folder_ + "/bus", ignored);
  daemon_ = fork();
  Must(daemon_ >= 0, "fork");
  if (daemon_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fcntl(ready[1], F_SETFD, 0);
    execlp("dbus-daemon", "dbus-daemon", configuration.c_str(), print.c_str(), "--nofork",
           "--nopidfile", nullptr);
    _exit(127);
  }
  close(ready[1]);
  char byte = 0;
  Must(read(ready[0], &byte, 1) == 1, "dbus-daemon did not start");
  close(ready[0]);
}

void PrivateBus::Kill() {
  if (daemon_ <= 0) return;
  kill(daemon_, SIGKILL);
  waitpid(daemon_, nullptr, 0);
  daemon_ = -1;
}

}  // namespace attune::edge
