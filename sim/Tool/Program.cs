using Appliance.Tool;

// No verb means "up", with its options: `run --headless` is `run up --headless`.
string[] line =
    args is [] || (args[0].StartsWith('-') && args[0] is not ("-h" or "-?" or "--help" or "--version")) ? ["up", .. args] : args;
return await ToolProgram.RunAsync(CommandLine.Create(), line);
