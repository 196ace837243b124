#include "edge/agent/help.h"

#include "absl/strings/str_cat.h"

namespace attune::edge {
namespace {

constexpr char kUsage[] =
    R"(attune-agent: sends heartbeats of one person, or of several, to an Attune session.

  attune-agent check --server=HOST:PORT --join=CODE --source=bluez      is everything ready?
  attune-agent       --server=HOST:PORT --join=CODE --source=bluez --name=ALIAS
  attune-agent scan  [--seconds=10]                                     which straps are in sight?

Where to
  --server=HOST:PORT      a node; repeat to name others that are tried when it cannot be reached
  --tls                   encrypt; --ca=FILE trusts these certificates instead of the system's,
                          --cert=FILE --key=FILE show ours, --server-name=NAME is expected
  --plaintext-on-network  do not encrypt although the node is not on this machine

Who. Repeat --source (and what belongs to it) to be a hub for several people.
  --source=SOURCE   where the beats come from:
      bluez[:ADDRESS|NAME][,acquire][,ecg]
                    a heart-rate strap over Bluetooth; ecg: precise times from a Polar H10's ECG;
                    acquire: another way of being notified, for systems where the usual one fails
      replay:FILE[,at=S][,from=S][,seconds=N][,loop]
                    a recording: .rr (one interval in ms per line) or CSV (arrival_s,rr_ms).
                    at: session time of the first beat (else: when the session is met);
                    from: skip so much of it; seconds: play so much of it
      simulate[:seed=1,hr=64,resp=0.25,couple_seed=2,strength=0.8,lag_ms=500,missed=0.01,
               extra=0.005,ectopic=0.01,dropout_every_s=60,dropout_s=5,at=0,seconds=600]
                    a simulated heart; couple_seed: follows the simulated person with that seed
      lsl[:NAME][,type=T][,unit=ms|s]
                    a Lab Streaming Layer stream of intervals, by name or by type (default RR)
      stdin         lines: rr_ms, or arrival_s,rr_ms, or {"rr_ms":812.5}
  --name=ALIAS      shown in the session
  --dyad=WORD       two people who give the same word are a pair
  --join=CODE       the session's join code, or for each person
  --token-file=FILE a file with a participant token, or
  --token=TOKEN     the token itself; others on this machine can see it while the program runs

For other programs
  --socket=PATH     a Unix socket for a light, a phone bridge or a screen: own values, cues and
                    prompts of this person as JSON lines; only you can open it. Lines: see
                    edge/agent/private_channel.h
  --lsl             offer beats and markers to recorders (Lab Streaming Layer: "Attune RR NAME",
                    "Attune markers NAME"); --lsl-library=FILE names liblsl if it is not found

What is agreed to
  --consent=LIST    of measure, group, pair:partner, pair:facilitator, individual:facilitator,
                    report; default measure,group,report and with --dyad also pair:partner
  --yes             do not ask (needed when standard input is no terminal)

How
  --spool=DIR       where beats are kept until the session is closed; default
                    $XDG_STATE_HOME/attune or ~/.local/state/attune
  --keep            keep the recording after the session is closed, if the session allows it
  --exit-when-done  end when every source is finished and everything is in the journal; else at
                    the close of the session
  --format=text|json|notes  default: a live line on a terminal, otherwise a JSON object a line;
                    notes: only what happens, without any value of a heart, for logs
  --quiet           only the summary at the end
  --config=FILE     see below
  --version         which program this is
  --help            this text

Settings may also stand in the environment and in a file; the command line counts most, then the
environment, then the file.
  Environment       ATTUNE_ and the name in capitals: ATTUNE_SERVER (several with commas between),
                    ATTUNE_JOIN, ATTUNE_TOKEN_FILE, ATTUNE_SOURCE, ATTUNE_NAME, ATTUNE_YES=true ...
                    NO_COLOR: no colours on the terminal.
  File              $ATTUNE_CONFIG, else $XDG_CONFIG_HOME/attune/agent.conf or
                    ~/.config/attune/agent.conf if it is there. Lines name = value without dashes;
                    # begins a comment line; [person] begins each person of a hub:

                      server = node.example.org:7400
                      tls = true
                      yes = true
                      [person]
                      source = bluez:A0:9E:1A:00:00:01
                      name = Ana
                      token-file = /home/ana/ana.token

Check looks at everything that running needs, without joining: adapter, strap, contact, battery, 30
seconds of clean beats, server, join code or token, clock. One line each, with what to do about it.

The live line
  Ana 64 bpm | 0.8 s ago | 2 % artefacts | battery 85 % | on skin | live | 3 unsaved | clock 2 ms
  age of the newest beat; share of the last minute's intervals that no heart would make (out of
  300..2000 ms, or a jump of more than a fifth); beats that no journal has yet (they are kept on
  disk); how well the session's clock is known. With --format=json these are fields, see
  edge/agent/status.h.

Started again with the same --spool, --join and --name it is the same person and goes on where it
was. SIGINT or SIGTERM: sends what is there, says goodbye and ends; what was not acknowledged stays
in the spool.

Exit codes
  0  the session was closed, everything was delivered, or stopped by a signal; check: all is well
  2  the command line, the settings, a source or the spool cannot be used
  3  the session could not be joined
  4  the session refused everybody
  5  the question of consent was answered with no
  6  check found a problem; scan cannot use Bluetooth
  7  check found nothing wrong, but could not see everything

Examples
  attune-agent scan
  attune-agent check --server=127.0.0.1:7400 --join=K7F3-QX2M --source=bluez
  attune-agent --server=127.0.0.1:7400 --join=K7F3-QX2M --source=replay:ana.rr --name=Ana
  attune-agent --server=127.0.0.1:7400 --join=K7F3-QX2M --yes \
      --source=simulate:seed=1 --name=Ana --dyad=us \
      --source=simulate:seed=2,couple_seed=1,lag_ms=500 --name=Ben --dyad=us
  read-my-strap | attune-agent --server=node:7400 --tls --join=K7F3-QX2M --yes --source=stdin
)";

}  // namespace

std::string HelpText() { return kUsage; }

std::string VersionText() {
  std::string text = kAgentVersion;
  text[text.find('/')] = ' ';
  return absl::StrCat(text, "\n");
}

}  // namespace attune::edge
