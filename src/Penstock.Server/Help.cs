namespace Penstock.Server;

internal static class Help
{
    public const string Text = """
        Penstock streams LLM answers over Server-Sent Events and loses not a token.

        Usage: penstock [--urls ADDRESS] [--Penstock:KEY VALUE]...    serve
               penstock keys create|ls|revoke                         make the keys that callers show
               penstock streams ls|cat|tail|rm                        look at the streams of a running server
               penstock usage [--since TIME]                          what a running server's generations used
               penstock verify FOLDER                                 check a data folder, record by record

        Each command has its own --help.

          --urls http://localhost:8000            where to listen (this is the default)
          --Penstock:DefaultModel MODEL           who answers when a request names no model (simulated/chat)
          --Penstock:Storage:Kind disk|memory|redis  where streams are kept (disk)
          --Penstock:Storage:Path FOLDER          the disk store's folder (data)
          --Penstock:Providers:NAME:BaseUrl URL   an upstream that speaks Chat Completions; then ask for NAME/model

        Every key may stand in appsettings.json, in the environment (Penstock__Storage__Kind=memory) or here.
        Providers appear by themselves when OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, GROQ_API_KEY or
        OLLAMA_HOST is set. With none, the simulated model answers.

        Try:  curl -N http://localhost:8000/v1/chat/completions -H 'Content-Type: application/json' \
                -d '{"prompt": "Tell me about rivers", "stream": true}'
        Docs: http://localhost:8000/docs
        """;
}
