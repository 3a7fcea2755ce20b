namespace Diffusion.Parity;

/// <summary>Remembers where a denoiser was asked and what it answered: the loop of the recordings, seen from the model.</summary>
internal sealed class Recorder(IDenoiser inner) : DenoiserDecorator(inner)
{
    /// <summary>The states, in order.</summary>
    public List<Tensor> States { get; } = [];

    /// <summary>Their levels and labels.</summary>
    public List<NoisePoint> Points { get; } = [];

    /// <summary>The estimates of the data.</summary>
    public List<Tensor> Data { get; } = [];

    public override Estimate Denoise(Tensor x, NoisePoint at)
    {
        States.Add(x.clone().DetachFromDisposeScope());
        Points.Add(at);
        var estimate = Inner[0].Denoise(x, at);
        Data.Add(estimate.Data.clone().DetachFromDisposeScope());
        return estimate;
    }

    public override IDenoiser BeginRun() => this;

    /// <summary>Frees what was remembered.</summary>
    public void Clear()
    {
        foreach (var tensor in States.Concat(Data)) tensor.Dispose();
        States.Clear();
        Data.Clear();
        Points.Clear();
    }

    protected override IDenoiser Around(IReadOnlyList<IDenoiser> inner) => this;
}
