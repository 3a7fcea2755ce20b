namespace Diffusion.Parity;

/// <summary>Remembers where a denoiser was asked and what it answered: the loop of the recordings, seen from the model.</summary>
internal sealed class Recorder(IDenoiser inner) : DenoiserDecorator(inner)
{
    private int _first; // the first call of the running step

    /// <summary>The states, in order.</summary>
    public List<Tensor> States { get; } = [];

    /// <summary>Their levels.</summary>
    public List<NoiseLevel> Levels { get; } = [];

    /// <summary>The estimates of the data.</summary>
    public List<Tensor> Data { get; } = [];

    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        States.Add(x.clone().DetachFromDisposeScope());
        Levels.Add(at.Level);
        var estimate = Inner[0].Denoise(x, at);
        Data.Add(estimate.Data.clone().DetachFromDisposeScope());
        return estimate;
    }

    public override IDenoiser BeginRun() => this;

    /// <summary>Ends a step: what its sampler makes of the step's first answer takes the place of that.</summary>
    public void EndStep(Estimate? estimate)
    {
        if (estimate is not null && _first < Data.Count)
        {
            Data[_first].Dispose();
            Data[_first] = estimate.Data.clone().DetachFromDisposeScope();
        }

        _first = Data.Count;
    }

    /// <summary>Frees what was remembered.</summary>
    public void Clear()
    {
        foreach (var tensor in States.Concat(Data)) tensor.Dispose();
        States.Clear();
        Data.Clear();
        Levels.Clear();
    }

    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => this;
}
