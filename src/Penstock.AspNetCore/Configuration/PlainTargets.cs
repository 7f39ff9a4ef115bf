using Microsoft.Extensions.Configuration;
using Penstock.Providers;

namespace Penstock.AspNetCore.Configuration;

/// <summary>Lets an alias list its targets as plain strings beside whole ones; the generated binder passes over strings where objects are meant.</summary>
internal static class PlainTargets
{
    public static void Add(PenstockOptions options, IConfiguration configuration)
    {
        foreach (var alias in configuration.GetSection($"{PenstockOptions.Section}:Models").GetChildren())
        {
            if (!options.Models.TryGetValue(alias.Key, out var model)) options.Models[alias.Key] = model = new AliasOptions();
            var whole = new Queue<TargetOptions>(model.Targets);
            model.Targets = [];
            foreach (var target in alias.GetSection("Targets").GetChildren())
            {
                if (target.Value is { } plain) model.Targets.Add(new TargetOptions { Model = plain });
                else if (whole.TryDequeue(out var next)) model.Targets.Add(next);
            }
        }
    }
}
