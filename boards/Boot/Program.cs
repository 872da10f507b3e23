using System.CommandLine;
using Appliance.Boot;
using Appliance.Hal;

var board = new Option<string>("--board")
{
    Description = "The board's description",
    HelpName = "FILE",
    DefaultValueFactory = _ => Path.Combine(AppContext.BaseDirectory, "board.json"),
};
var state = new Option<string>("--state")
{
    Description = "The state folder",
    HelpName = "DIR",
    DefaultValueFactory = _ => "/var/lib/appliance",
};
var config = new Option<string?>("--config")
{
    Description = "The configuration of a fresh state, instead of the factory configuration",
    HelpName = "FILE",
};
var console = new Option<bool>("--console") { Description = "Serves the console on standard input and output: a terminal, or a script" };
var service = new Option<bool>("--service") { Description = "Prints the systemd settings of the board and exits" };
var root = new RootCommand(
    "Boots the appliance on a board; prints one line of JSON when every listener listens. SIGTERM stops it.\n\nExample: Appliance.Boot --board board.json --state /var/lib/appliance"
)
{
    board,
    state,
    config,
    console,
    service,
};
root.SetAction(
    (parsed, cancellationToken) =>
        parsed.GetValue(service)
            ? BoardBoot.PrintService(parsed.GetValue(board)!)
            : BoardBoot.RunAsync(
                parsed.GetValue(board)!,
                parsed.GetValue(state)!,
                parsed.GetValue(config),
                parsed.GetValue(console),
                cancellationToken
            )
);
var parsed = root.Parse(args);
return parsed.Errors.Count > 0 ? UsageError(parsed) : await parsed.InvokeAsync();

static int UsageError(ParseResult parsed)
{
    foreach (var error in parsed.Errors)
    {
        Console.Error.WriteLine(error.Message);
    }
    return ServiceExit.Usage;
}
