using Appliance.Bench;
using Appliance.Tool;

return await ToolProgram.RunAsync(BenchCommandLine.Create(), args);
