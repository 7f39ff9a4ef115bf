using System.CommandLine;

namespace Penstock.Server.Commands;

/// <summary><c>penstock completion</c></summary>
internal static class CompletionCommand
{
    // The program itself knows what may follow: [suggest:POSITION] asks it.
    private static readonly Dictionary<string, string> _scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = """
            _penstock() {
              local IFS=$'\n'
              COMPREPLY=($(compgen -W "$(penstock "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
            }
            complete -o default -F _penstock penstock
            """,
        ["zsh"] = """
            #compdef penstock
            _penstock() {
              local -a candidates
              candidates=("${(@f)$(penstock "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
              if [[ -n $candidates ]]; then compadd -a candidates; else _files; fi
            }
            compdef _penstock penstock
            """,
        ["fish"] = """
            complete -c penstock -a '(penstock "[suggest:"(commandline -C)"]" (commandline -p) 2>/dev/null)'
            """,
    };

    private const string Description = """
        Prints what has a shell complete penstock's commands and options.

        bash: echo 'source <(penstock completion bash)' >> ~/.bashrc
        zsh:  echo 'source <(penstock completion zsh)' >> ~/.zshrc
        fish: penstock completion fish > ~/.config/fish/completions/penstock.fish
        """;

    public static Command New()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong([.. _scripts.Keys]);
        var command = new PenstockCommand("completion", Description, "source <(penstock completion bash)") { shell };
        command.SetAction(result =>
        {
            result.InvocationConfiguration.Output.WriteLine(_scripts[result.GetValue(shell)!]);
            return ExitCodes.Done;
        });
        return command;
    }
}
