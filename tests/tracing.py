"""What coverage tells the processes that a test starts."""

# Without this variable a process runs untraced. Two dozen processes of a whole stack, traced, take a third more CPU
# time (the demo: 163 s against 120 s, of which 1 s at each start); what they run is traced where it is tested alone.
TRACING = "COVERAGE_PROCESS_CONFIG"
