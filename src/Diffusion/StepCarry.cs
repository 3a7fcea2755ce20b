namespace Diffusion;

/// <summary>Named tensors that a sampler takes from step to step of one run: the last corrected state, the last noise, … Owned by the run.</summary>
public sealed class StepCarry
{
    private readonly Dictionary<string, Tensor> _tensors = [];

    internal StepCarry()
    {
    }

    /// <summary>The tensor of a name, borrowed; null where none was set. Setting keeps an alias and frees the one before; null only frees.</summary>
    public Tensor? this[string name]
    {
        get => _tensors.GetValueOrDefault(name);
        set
        {
            var kept = value?.alias().DetachFromDisposeScope();
            if (_tensors.Remove(name, out var old)) old.Dispose();
            if (kept is not null) _tensors[name] = kept;
        }
    }

    internal void Clear()
    {
        foreach (var tensor in _tensors.Values) tensor.Dispose();
        _tensors.Clear();
    }
}
