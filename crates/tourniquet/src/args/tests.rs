//! What is refused, and where options may stand.

use clap::CommandFactory;

use super::*;

#[test]
fn the_command_line_is_well_formed() {
    Args::command().debug_assert();
}

/// Wrong usage exits with 2 and names what is wrong.
#[track_caller]
fn refused(line: &str, part: &str) {
    let error = Args::try_parse_from(line.split(' ')).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{line}");
    assert!(error.to_string().contains(part), "{line}: {error}");
}

#[test]
fn wrong_usage_is_said() {
    refused("tourniquet triage", "<FILE>");
    refused("tourniquet plans build", "--output");
    refused("tourniquet plans who", "<SERVICE>");
    refused("tourniquet plans who checkout --at 2026-11-28T02:58:00", "with its offset");
    refused("tourniquet replay h.ndjson", "--plans <DIR>");
    refused("tourniquet replay --plans p", "<FILE.ndjson>");
    refused("tourniquet incidents --status broken", "`broken` is no status of an incident");
    refused("tourniquet incidents --cursor 7b7d", "--status");
    refused("tourniquet reject inc-20261123-0123456789", "--reason");
    let id = "0123456789abcdef0123456789abcdef";
    refused("tourniquet declare --reason r", "--from <SIGNAL_ID>");
    refused(&format!("tourniquet declare --from {id}"), "--reason");
    refused("tourniquet declare --reason r --from inc-20261123-0123456789", "32 hex digits");
    refused(&format!("tourniquet declare --reason r --from {id} --severity bad"), "write SEV1");
    refused("tourniquet report", "--unowned");
    refused("tourniquet report --unowned --since yesterday", "yesterday");
    refused("tourniquet mitigate undo", "<ID>");
    refused("tourniquet mitigate dance", "dance");
    refused("tourniquet brake on", "--reason");
    refused("tourniquet brake on --reason r --minutes 1441", "1441");
    refused("tourniquet brake maybe", "maybe");
    refused("tourniquet mute --for 2h --reason r", "--plan <NAME>|--service <NAME>|--fingerprint <FINGERPRINT>");
    refused("tourniquet mute --plan p --service s --for 2h --reason r", "cannot be used with");
    refused("tourniquet mute --plan p --environment e --for 2h --reason r", "--environment");
    refused("tourniquet mute --plan p --for 2h", "--reason");
    refused("tourniquet mute --plan p --reason r", "--for");
    refused("tourniquet mute --plan p --reason r --for 25h", "from 1m to 24h");
    refused("tourniquet mute --plan p --reason r --for 30s", "from 1m to 24h");
    refused("tourniquet mute --plan p --reason r --for soon", "such as 30s, 5m, 2h or 7d");
    refused("tourniquet unmute", "<ID>");
    refused("tourniquet change record --resource a", "--version");
    refused("tourniquet change record --resource a --version 1 --at noon", "noon");
    refused("tourniquet evidence get inc-20261123-0123456789 --pass warm", "1-warm, 2-complete");
    refused("tourniquet evidence verify", "<DIR>");
    refused("tourniquet dance", "dance");
}

#[test]
fn the_compiled_file_may_be_named_in_three_ways() {
    for option in ["-o", "--output", "--out"] {
        let args = Args::try_parse_from(["tourniquet", "plans", "build", "plans", option, "p.json"]).unwrap();
        let Command::Plans(Plans::Build { dir, output }) = args.command else { panic!("{option}") };
        assert_eq!((dir, output), ("plans".into(), "p.json".into()));
    }
}

#[test]
fn options_may_stand_anywhere() {
    let args = Args::try_parse_from("tourniquet ack inc-20261123-0123456789 --json --as ana --table t".split(' '));
    let args = args.unwrap();
    assert!(args.json);
    assert_eq!((args.place.user.as_deref(), args.place.table.as_deref()), (Some("ana"), Some("t")));
}
