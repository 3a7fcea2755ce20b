namespace Diffusion.Training;

/// <summary>
/// Looks at the output of every module of a network and of its objective while it lives, by forward hooks, and remembers the first that is not finite. Modules
/// whose arguments are not tensors have no hook; the ones inside them do.
/// </summary>
internal sealed class OutputWatch : IDisposable
{
    private readonly List<Action> _removals = [];

    public OutputWatch(TrainingRun run)
    {
        Watch(run.Network, "");
        if (run.Objective.Module is { } module) Watch(module, "objective");
    }

    /// <summary>The first module whose output was not finite. An inner one ends before the one that it is in, so this is the innermost.</summary>
    public (string Name, string Type, bool InputWasFinite)? First { get; private set; }

    public void Dispose()
    {
        foreach (var remove in _removals) remove();
    }

    private void Watch(nn.Module root, string prefix)
    {
        foreach (var (name, module) in root.named_modules().Where(m => m.name.Length > 0)) Hook(module, prefix.Length > 0 ? $"{prefix}.{name}" : name);
        Hook(root, prefix.Length > 0 ? prefix : root.GetName());
    }

    private void Hook(nn.Module module, string name)
    {
        switch (module)
        {
            case nn.Module<Tensor, Tensor> one:
                var first = one.register_forward_hook((_, a, output) => Look(name, module, output, a));
                _removals.Add(first.remove);
                break;
            case nn.Module<Tensor, Tensor, Tensor> two:
                var second = two.register_forward_hook((_, a, b, output) => Look(name, module, output, a, b));
                _removals.Add(second.remove);
                break;
            case nn.Module<Tensor, Tensor, Tensor, Tensor> three:
                var third = three.register_forward_hook((_, a, b, c, output) => Look(name, module, output, a, b, c));
                _removals.Add(third.remove);
                break;
            case nn.Module<Tensor, Tensor, Conditioning?, Tensor> network:
                var fourth = network.register_forward_hook((_, a, b, _, output) => Look(name, module, output, a, b));
                _removals.Add(fourth.remove);
                break;
        }
    }

    private Tensor Look(string name, nn.Module module, Tensor output, params ReadOnlySpan<Tensor?> inputs)
    {
        if (First is not null || FailureReplay.IsFinite(output)) return output;
        var finite = true;
        foreach (var input in inputs) finite &= input is null || FailureReplay.IsFinite(input);
        First = (name, module.GetType().Name, finite);
        return output;
    }
}
