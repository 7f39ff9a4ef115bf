using System.Globalization;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

// A server of the Model Context Protocol over standard input and output, for tests: its tools do what tests need.
// With a file's path as its argument it notes each run there, a line each.
var notes = args.Length > 0 ? args[0] : null;

var options = new McpServerOptions
{
    ServerInfo = new Implementation { Name = "penstock-test", Version = "1.0.0" },
    ToolCollection =
    [
        Tool("add_numbers", "Adds two numbers.", (double a, double b) => Noted("add_numbers", (a + b).ToString(CultureInfo.InvariantCulture))),
        Tool("break_down", "Fails.", string () => throw new InvalidOperationException("password=hunter2")),
        Tool("die_now", "Takes the server down.", () =>
        {
            Environment.Exit(1);
            return "";
        }),
        Tool("take_long", "Takes an hour, unless it is cancelled.", async (CancellationToken stop) =>
        {
            Noted("take_long begun", "");
            try
            {
                await Task.Delay(TimeSpan.FromHours(1), stop);
            }
            catch (OperationCanceledException)
            {
                Noted("take_long cancelled", "");
                throw;
            }

            return "done";
        }),
        Tool("hold_on", "Waits until it is told to go on.", async (CancellationToken stop) =>
        {
            Noted("hold_on begun", "");
            while (!File.Exists($"{notes}.go")) await Task.Delay(20, stop);
            return "held";
        }),
        Tool("say_much", "Says a million letters.", () => new string('x', 1_000_000)),
    ],
};
// Nobody ends it whose host was killed while a tool waits.
var host = ParentId();
_ = Task.Run(async () =>
{
    while (ParentId() == host) await Task.Delay(TimeSpan.FromSeconds(1));
    Environment.Exit(1);
});
await using var server = McpServer.Create(new StdioServerTransport("penstock-test"), options);
await server.RunAsync();

static string ParentId() => File.ReadAllText("/proc/self/stat").Split(") ")[^1].Split(' ')[1];

static McpServerTool Tool(string name, string description, Delegate run) =>
    McpServerTool.Create(run, new McpServerToolCreateOptions { Name = name, Description = description });

string Noted(string run, string result)
{
    if (notes is not null) File.AppendAllText(notes, run + "\n");
    return result;
}
