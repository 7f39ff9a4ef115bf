using System.CommandLine;

namespace Penstock.Server.Commands;

/// <summary><c>penstock serve</c></summary>
internal static class ServeCommand
{
    private const string Description = """
        Serves, as penstock does without a command.

        Every key of the configuration may stand in appsettings.json, in the environment (Penstock__Storage__Kind=memory)
        or behind the command. Providers appear by themselves when OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY,
        GROQ_API_KEY or OLLAMA_HOST is set. With none, the simulated model answers.

          --urls http://localhost:8000               where to listen (this is the default)
          --Penstock:DefaultModel MODEL              who answers when a request names no model (simulated/chat)
          --Penstock:Storage:Kind disk|memory|redis  where streams are kept (disk)
          --Penstock:Storage:Path FOLDER             the disk store's folder (data)
          --Penstock:Providers:NAME:BaseUrl URL      an upstream that speaks Chat Completions; then ask for NAME/model
        """;

    public static Command New(string[] args)
    {
        var command = new PenstockCommand("serve", Description, "penstock serve --urls http://localhost:9000 --Penstock:Storage:Path /var/lib/penstock") { TreatUnmatchedTokensAsErrors = false };
        command.SetAction(_ => Serving.RunAsync(args[1..]));
        return command;
    }
}
